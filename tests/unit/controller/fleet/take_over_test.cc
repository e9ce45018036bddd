// SPDX-License-Identifier: Apache-2.0
// Promise: a controller that takes over gives no id a second time.
#include "controller/fleet/take_over.h"

#include <catch2/catch.hpp>

namespace panshi::controller {
namespace {

TEST_CASE("the highest number of an id is found wherever it stands") {
  CHECK(highest_number_in("f-12") == 12);
  CHECK(highest_number_in("d-41-ice") == 41);
  CHECK(highest_number_in("d-3.freeze-7") == 7);
  CHECK(highest_number_in("stop-2-n-1") == 2);
  CHECK(highest_number_in("") == 0);
  CHECK(highest_number_in("none") == 0);
  // No counter of ours: it would leave no room for ids.
  CHECK(highest_number_in("f-99999999999999999999999") == 0);
}

TEST_CASE("nobody who answers is nothing taken over, and each is named") {
  Inventory inventory;
  inventory.nodes["n-1"] = {"n-1", "http://127.0.0.1:1", "/nowhere/token", {}, {}, {}};
  const auto taken = ask_agents(inventory);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().message.find("n-1: its token cannot be read") != std::string::npos);
}

}  // namespace
}  // namespace panshi::controller
