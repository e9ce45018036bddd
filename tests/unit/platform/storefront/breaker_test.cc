// SPDX-License-Identifier: Apache-2.0
// Promise: after enough failures in a row nobody calls a dead dependency; after a while exactly one
// call tries it, and its outcome decides.
#include "platform/storefront/model/breaker.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {
const MonoTime kStart{1h};
Breaker make() { return Breaker({.failures_max = 3, .open_for = 1s, .trial_max = 5s}); }
void fail_times(Breaker& breaker, int times) {
  for (int i = 0; i < times; ++i) {
    REQUIRE(breaker.allow(kStart));
    breaker.failed(kStart);
  }
}
}  // namespace

TEST_CASE("a breaker lets calls through until the failures in a row reach the limit") {
  Breaker breaker = make();
  fail_times(breaker, 2);
  CHECK(breaker.allow(kStart));
  breaker.failed(kStart);
  CHECK_FALSE(breaker.allow(kStart));
  CHECK(breaker.state(kStart) == Breaker::State::kOpen);
  CHECK(breaker.refused() == 1);
}

TEST_CASE("a success between failures starts the count again") {
  Breaker breaker = make();
  fail_times(breaker, 2);
  REQUIRE(breaker.allow(kStart));
  breaker.succeeded();
  fail_times(breaker, 2);
  CHECK(breaker.state(kStart) == Breaker::State::kClosed);
}

TEST_CASE("an open breaker lets exactly one call try after its time") {
  Breaker breaker = make();
  fail_times(breaker, 3);
  CHECK_FALSE(breaker.allow(kStart + 999ms));
  CHECK(breaker.state(kStart + 1s) == Breaker::State::kHalfOpen);
  CHECK(breaker.allow(kStart + 1s));
  CHECK_FALSE(breaker.allow(kStart + 1s));
}

TEST_CASE("a trial that fails opens the breaker again, one that succeeds closes it") {
  Breaker breaker = make();
  fail_times(breaker, 3);
  REQUIRE(breaker.allow(kStart + 1s));
  breaker.failed(kStart + 1s);
  CHECK_FALSE(breaker.allow(kStart + 1'900ms));
  REQUIRE(breaker.allow(kStart + 2s));
  breaker.succeeded();
  CHECK(breaker.allow(kStart + 2s));
  CHECK(breaker.allow(kStart + 2s));
}

TEST_CASE("a trial that never reports back is given up after its time") {
  Breaker breaker = make();
  fail_times(breaker, 3);
  REQUIRE(breaker.allow(kStart + 1s));
  CHECK_FALSE(breaker.allow(kStart + 5'900ms));
  CHECK(breaker.allow(kStart + 6s));
}
