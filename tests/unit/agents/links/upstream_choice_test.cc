// SPDX-License-Identifier: Apache-2.0
// Promise: connections go to who is in use or are drawn by weight, never to one that is drained, to
// a sick one only when all are sick, and back to the preferred one by the rule.
#include "agents/links/upstream_choice.h"

#include <array>
#include <catch2/catch.hpp>

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

MonoTime at(int seconds) { return MonoTime(std::chrono::seconds(seconds)); }

UpstreamChoice three(Failback failback = Failback::kNever, Duration hold = {}) {
  return UpstreamChoice(
      {.weights = {1, 1, 1}, .by_weight = false, .failback = failback, .hold = hold});
}

TEST_CASE("the next healthy upstream takes over, and keeps the traffic when it never goes back") {
  UpstreamChoice choice = three();
  choice.set_health(1, false, at(1));
  choice.set_health(0, false, at(2));
  CHECK(choice.in_use() == 2u);
  choice.set_health(0, true, at(3));
  CHECK(choice.in_use() == 2u);
  CHECK(choice.next_deadline() == MonoTime::max());
  choice.set_health(2, false, at(4));
  CHECK(choice.in_use() == 0u);
}

TEST_CASE("the preferred one is back at once, or only after it has held") {
  UpstreamChoice eager = three(Failback::kAtOnce);
  eager.set_health(0, false, at(1));
  eager.set_health(0, true, at(2));
  CHECK(eager.in_use() == 0u);

  UpstreamChoice patient = three(Failback::kHeld, 10s);
  patient.set_health(0, false, at(1));
  patient.set_health(0, true, at(2));
  CHECK(patient.in_use() == 1u);
  CHECK(patient.next_deadline() == at(12));
  patient.set_health(0, false, at(9));  // did not hold: begins anew
  patient.set_health(0, true, at(11));
  patient.settle(at(20));
  CHECK(patient.in_use() == 1u);
  CHECK(patient.next_deadline() == at(21));
  patient.settle(at(21));
  CHECK(patient.in_use() == 0u);
  CHECK(patient.next_deadline() == MonoTime::max());
}

TEST_CASE(
    "a choice by hand is the preferred one, also when it is sick, until some health changes") {
  UpstreamChoice choice = three(Failback::kAtOnce);
  choice.set_health(1, false, at(1));
  choice.prefer(1);
  choice.settle(at(2));
  CHECK(choice.in_use() == 1u);
  choice.set_health(2, false, at(3));
  CHECK(choice.in_use() == 0u);
  choice.set_health(1, true, at(4));
  CHECK(choice.in_use() == 1u);
}

TEST_CASE("when all are sick the preferred one is tried: its own word is what clients shall see") {
  UpstreamChoice choice = three();
  Random random(1);
  choice.set_health(0, false, at(1));
  choice.set_health(1, false, at(2));
  CHECK(choice.pick(random) == 2u);
  choice.set_health(2, false, at(3));
  CHECK(choice.pick(random) == 0u);
  choice.drain(0, at(4));
  CHECK(choice.pick(random) == 1u);  // the first of the list that is not drained
  choice.set_health(2, true, at(5));
  CHECK(choice.pick(random) == 2u);
}

TEST_CASE("who is drained takes nothing, when all are drained nobody does") {
  UpstreamChoice choice = three(Failback::kAtOnce);
  Random random(1);
  choice.drain(0, at(1));
  CHECK(choice.pick(random) == 1u);
  choice.set_health(2, false, at(1));
  choice.drain(1, at(2));
  CHECK(choice.pick(random) == 2u);  // sick, but not drained
  choice.drain(2, at(3));
  CHECK_FALSE(choice.pick(random));
  choice.undrain(0, at(4));
  CHECK(choice.pick(random) == 0u);
  choice.prefer(1);  // by hand: ends its drain
  CHECK(choice.pick(random) == 1u);
  CHECK_FALSE(choice.drained(1));
}

std::array<int, 3> draws(const UpstreamChoice& choice, int times) {
  std::array<int, 3> counts = {};
  Random random(42);
  for (int i = 0; i < times; ++i) {
    if (const auto index = choice.pick(random)) ++counts.at(*index);
  }
  return counts;
}

TEST_CASE("connections are drawn by weight over those that are healthy") {
  UpstreamChoice choice({.weights = {6, 3, 1}, .by_weight = true});
  const auto all = draws(choice, 10'000);
  CHECK(all[0] == Approx(6'000).margin(200));  // 4 standard deviations of the seed's own draw
  CHECK(all[1] == Approx(3'000).margin(200));
  CHECK(all == draws(choice, 10'000));  // the seed decides
  choice.set_health(0, false, at(1));
  const auto two = draws(choice, 10'000);
  CHECK(two[0] == 0);
  CHECK(two[1] == Approx(7'500).margin(200));
  CHECK_FALSE(choice.in_use());
  choice.set_health(1, false, at(1));
  choice.set_health(2, false, at(1));
  CHECK(draws(choice, 1'000)[0] > 0);  // nobody is healthy: nobody is believed
  choice.set_weights({0, 1, 0});
  CHECK(draws(choice, 100) == std::array<int, 3>{0, 100, 0});
  choice.prefer(2);
  CHECK(draws(choice, 100) == std::array<int, 3>{0, 0, 100});
}

}  // namespace
}  // namespace panshi::agent
