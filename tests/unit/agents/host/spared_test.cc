// SPDX-License-Identifier: Apache-2.0
// The promise under test: the agent's own port and ssh are spared by packet rules and by shaping
// alike, whatever address the agent listens on; and a limit of descriptors leaves exactly the room
// that was asked for.
#include "agents/host/spared.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "agents/host/machine.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

std::vector<std::string> matches(const FaultScope& scope) {
  std::vector<std::string> lines;
  for (const auto& words : tc_matches(scope)) lines.push_back(join(words, " "));
  return lines;
}

TEST_CASE("the port of agents is spared at every address, and so is ssh") {
  const FaultScope scope{.address = "10.0.0.7", .port = 7'001};
  CHECK(nft_exceptions(scope, true) ==
        " tcp dport 7001 accept; tcp sport 7001 accept; tcp dport 22 accept;");
  CHECK(nft_exceptions(scope, false) ==
        " tcp dport 7001 accept; tcp sport 7001 accept; tcp sport 22 accept;");
  const auto lines = matches(scope);
  CHECK(lines.size() == 8);  // each: both ends of both families
  CHECK(std::count(lines.begin(), lines.end(),
                   "protocol ip prio 1 u32 match ip protocol 6 0xff match ip sport 7001 0xffff") ==
        1);
  CHECK(std::count(lines.begin(), lines.end(),
                   "protocol ipv6 prio 2 u32 match ip6 protocol 6 0xff match ip6 dport 22 "
                   "0xffff") == 1);
}

TEST_CASE("a controller on the same machine is spared as the agent is") {
  const FaultScope scope{.address = "10.0.0.7", .port = 7'001};
  const std::size_t before = matches(scope).size();
  scope.controller->note({"10.0.0.9", 17'700});
  CHECK_THAT(nft_exceptions(scope, true),
             Catch::Contains(" ip daddr 10.0.0.9 tcp dport 17700 accept;") &&
                 Catch::Contains(" ip saddr 10.0.0.9 tcp sport 17700 accept;"));
  CHECK(matches(scope).size() == before + 2);
  scope.controller->note({});
  CHECK(matches(scope).size() == before);
}

TEST_CASE("without an agent's port ssh is spared all the same") {
  CHECK(nft_exceptions({}, false) == " tcp sport 22 accept;");
  CHECK(matches({}).size() == 4);
}

TEST_CASE("room is counted in free numbers, not in how many are open") {
  const DescriptorLimit limit{.soft = 10, .hard = 4'096, .open = {0, 1, 2, 7, 700}};
  CHECK(limit.room() == 6);  // 3 4 5 6 8 9
  CHECK(limit.soft_for(0) == 3);
  CHECK(limit.soft_for(4) == 8);
  CHECK(limit.soft_for(5) == 9);
  for (std::uint64_t room = 0; room < 800; ++room) {
    DescriptorLimit other = limit;
    other.soft = limit.soft_for(room);
    REQUIRE(other.room() == room);
  }
}

}  // namespace
}  // namespace panshi::agent
