// SPDX-License-Identifier: Apache-2.0
// Promise: the degradation level rises on a sign that lasts, and falls slowly, one level at a time,
// only after everything was calm; it does not flap around a threshold.
#include "platform/storefront/model/degradation_level.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;
using Level = DegradationLevel;
using Signs = Degradation::Signs;

namespace {
const MonoTime kStart{1h};
const Signs kCalm = {};
const Signs kBusy = {.limit_use = 0.9};
const Signs kShedding = {.limit_use = 1.0, .shed_share = 0.3};
Degradation make() { return Degradation({.raise_after = 300ms, .lower_after = 5s}); }
Degradation make_core_only() {
  Degradation degradation = make();
  degradation.step(kShedding, kStart - 300ms);
  REQUIRE(degradation.step(kShedding, kStart) == Level::kCoreOnly);
  return degradation;
}
}  // namespace

TEST_CASE("a degradation level has a name, and the name gives the level") {
  for (const Level level : {Level::kNormal, Level::kNoExtras, Level::kCoreOnly}) {
    CHECK(degradation_level_of(name_of(level)) == level);
  }
  CHECK_FALSE(degradation_level_of("fine"));
}

TEST_CASE("a short peak does not degrade the shop, one that lasts does") {
  Degradation degradation = make();
  CHECK(degradation.step(kBusy, kStart) == Level::kNormal);
  CHECK(degradation.step(kBusy, kStart + 200ms) == Level::kNormal);
  CHECK(degradation.step(kCalm, kStart + 250ms) == Level::kNormal);
  CHECK(degradation.step(kBusy, kStart + 400ms) == Level::kNormal);
  CHECK(degradation.step(kBusy, kStart + 700ms) == Level::kNoExtras);
}

TEST_CASE("a full limit alone leaves out the extras only, shedding leaves only the core") {
  Degradation degradation = make();
  degradation.step({.limit_use = 1.0}, kStart);
  CHECK(degradation.step({.limit_use = 1.0}, kStart + 1s) == Level::kNoExtras);
  degradation.step(kShedding, kStart + 2s);
  CHECK(degradation.step(kShedding, kStart + 3s) == Level::kCoreOnly);
}

TEST_CASE("one open breaker leaves out the extras, two leave only the core") {
  Degradation degradation = make();
  degradation.step({.breakers_open = 1}, kStart);
  CHECK(degradation.step({.breakers_open = 1}, kStart + 1s) == Level::kNoExtras);
  degradation.step({.breakers_open = 2}, kStart + 2s);
  CHECK(degradation.step({.breakers_open = 2}, kStart + 3s) == Level::kCoreOnly);
}

TEST_CASE("the way back is one level at a time, each after its calm") {
  Degradation degradation = make_core_only();
  CHECK(degradation.step(kCalm, kStart + 1s) == Level::kCoreOnly);
  CHECK(degradation.step(kCalm, kStart + 5'900ms) == Level::kCoreOnly);
  CHECK(degradation.step(kCalm, kStart + 6s) == Level::kNoExtras);
  CHECK(degradation.step(kCalm, kStart + 10'900ms) == Level::kNoExtras);
  CHECK(degradation.step(kCalm, kStart + 11s) == Level::kNormal);
}

TEST_CASE("just under a threshold is not calm: the level stays") {
  Degradation degradation = make_core_only();
  const Signs under = {.limit_use = 0.5, .shed_share = 0.06};
  for (MonoTime now = kStart; now < kStart + 60s; now += 100ms) {
    CHECK(degradation.step(under, now) == Level::kCoreOnly);
  }
}

TEST_CASE("a new peak begins the calm again") {
  Degradation degradation = make_core_only();
  degradation.step(kCalm, kStart + 1s);
  degradation.step(kShedding, kStart + 5s);
  CHECK(degradation.step(kCalm, kStart + 6s) == Level::kCoreOnly);
  CHECK(degradation.step(kCalm, kStart + 11s) == Level::kNoExtras);
}
