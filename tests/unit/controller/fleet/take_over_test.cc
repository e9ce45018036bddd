// SPDX-License-Identifier: Apache-2.0
// Promise: a controller that takes over gives no id a second time.
#include "controller/fleet/take_over.h"

#include <catch2/catch.hpp>
#include <limits>

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

TEST_CASE("an epoch that no other agent would follow is not taken over") {
  std::vector<std::string> doubted;
  CHECK(believed_epoch({}, doubted) == 0);
  CHECK(believed_epoch({{"n-1", 7}}, doubted) == 7);
  CHECK(believed_epoch({{"n-1", 7}, {"n-2", 9}, {"n-3", 0}}, doubted) == 9);
  CHECK(doubted.empty());
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  CHECK(believed_epoch({{"n-1", 7}, {"n-2", kMost}}, doubted) == 7);
  CHECK(believed_epoch({{"n-1", 2'000'009}, {"n-2", 2'000'007}, {"n-3", 0}}, doubted) == 2'000'009);
  REQUIRE(doubted.size() == 1);
  CHECK(doubted[0].starts_with("n-2: says epoch 9223372036854775807, which no other"));
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
