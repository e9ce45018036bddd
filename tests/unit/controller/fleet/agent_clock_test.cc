// SPDX-License-Identifier: Apache-2.0
// Promise: an answer that lay unread is known to have done so, however the two clocks stand.
#include "controller/fleet/agent_clock.h"

#include <catch2/catch.hpp>

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

MonoTime at(Duration time) { return MonoTime(time); }
std::string sent(Duration time) { return std::to_string(time.count()); }

TEST_CASE("an answer that was read at once is not late, one that lay there is, by as much") {
  AgentClock clock;
  CHECK(clock.late_by(sent(1s), at(500s)) == 0s);
  CHECK(clock.late_by(sent(2s), at(501s + 300us)) == 300us);
  CHECK(clock.late_by(sent(3s), at(511s)) == 9s);
  CHECK(clock.late_by(sent(13s), at(512s)) == 0s);
}

TEST_CASE("two clocks that drift apart do not make answers late for ever") {
  AgentClock clock;
  (void)clock.late_by(sent(1s), at(1s));
  for (int i = 2; i < 100; ++i) (void)clock.late_by(sent(i * 1s), at(i * 1s + i * 10ms));
  CHECK(clock.late_by(sent(100s), at(101s)) < 400ms);
}

TEST_CASE("an agent's machine that was started anew has another clock") {
  AgentClock clock;
  (void)clock.late_by(sent(10'000s), at(20'000s));
  CHECK(clock.late_by(sent(5s), at(20'060s)) == 0s);
  CHECK(clock.late_by(sent(6s), at(20'063s)) == 2s);
}

TEST_CASE("an agent that tells no clock is taken at its word") {
  AgentClock clock;
  CHECK(clock.late_by("", at(5s)) == 0s);
  CHECK(clock.late_by("soon", at(9s)) == 0s);
}

}  // namespace
}  // namespace panshi::controller
