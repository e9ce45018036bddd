// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/effect.h"

#include <catch2/catch.hpp>

#include "agents/faults/holdings.h"

namespace panshi::agent {
namespace {

TEST_CASE("an effect is met when it differs from what was asked by no more than the tolerance") {
  Effect effect{.what = "delay", .unit = "ms", .asked = 500, .measured = 501, .tolerance = 1};
  CHECK(effect.met());
  effect.measured = 498.9;
  CHECK_FALSE(effect.met());
  nlohmann::json measured{{"chunks", 3}};
  add_effect(measured, effect);
  CHECK(measured.at("effects").at(0).at("met") == false);
  CHECK(measured.at("effects").at(0).at("asked") == 500.0);
}

TEST_CASE("what a fault holds ends when it is let go, replaced, or the holder ends") {
  const auto held = std::make_shared<int>(1);
  {
    Holdings holdings;
    holdings.keep("f1", held);
    CHECK(*holdings.get<int>("f1") == 1);
    holdings.let_go("f1");
    CHECK(held.use_count() == 1);
    CHECK(holdings.get<int>("f1") == nullptr);
    holdings.let_go("f1");
    holdings.keep("f1", held);
    holdings.keep("f1", nullptr);
    CHECK(held.use_count() == 1);
    holdings.keep("f1", held);
  }
  CHECK(held.use_count() == 1);
}

}  // namespace
}  // namespace panshi::agent
