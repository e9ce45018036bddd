// SPDX-License-Identifier: Apache-2.0
// The promise under test: a service is started changed by one fault at a time, and as configured
// when that has ended.
#include "agents/faults/start_changes.h"

#include <catch2/catch.hpp>

namespace panshi::agent {
namespace {

TEST_CASE("a start is changed until its fault ends, and each is counted") {
  StartChanges changes;
  REQUIRE(changes.add("orders", {.fault = "f1", .env = {{"FAKETIME", "+1"}}}));
  CHECK_FALSE(changes.take("shard"));
  REQUIRE(changes.take("orders"));
  CHECK(changes.take("orders")->env.at("FAKETIME") == "+1");
  CHECK(changes.starts("f1") == 2);
  changes.remove("f2");
  CHECK(changes.size() == 1);
  changes.remove("f1");
  CHECK_FALSE(changes.take("orders"));
  CHECK(changes.starts("f1") == 0);
}

TEST_CASE("two faults do not change the start of one service") {
  StartChanges changes;
  REQUIRE(changes.add("orders", {.fault = "f1"}));
  const auto refused = changes.add("orders", {.fault = "f2"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kConflict);
  CHECK(changes.add("orders", {.fault = "f1"}));
  CHECK(changes.add("shard", {.fault = "f2"}));
}

}  // namespace
}  // namespace panshi::agent
