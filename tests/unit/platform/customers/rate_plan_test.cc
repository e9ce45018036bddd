// SPDX-License-Identifier: Apache-2.0
// The promise under test: along a plan as many customers come as its rate says, wherever it
// changes.
#include "platform/customers/rate_plan.h"

#include <catch2/catch.hpp>

#include "platform/customers/errands.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1h};

// How many come in each second of a plan, over many seeds, on average.
std::vector<double> each_second(const RatePlan& plan, std::size_t seconds) {
  constexpr std::uint64_t kSeeds = 200;
  std::vector<double> counts(seconds);
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Arrivals arrivals(seed * 7'919, plan, kStart);
    for (; arrivals.next() < kStart + seconds * 1s; arrivals.advance()) {
      counts[static_cast<std::size_t>((arrivals.next() - kStart) / 1s)] += 1.0 / kSeeds;
    }
  }
  return counts;
}

TEST_CASE("a ramp brings more customers second by second, and stays where it ends") {
  const RatePlan plan(10, {{PlanStep::Kind::kRamp, 110, 10s}}, kStart);
  const auto counts = each_second(plan, 12);
  for (std::size_t i = 0; i < 10; ++i) {
    INFO("second " << i);
    CHECK(counts[i] == Approx(15.0 + 10.0 * static_cast<double>(i)).epsilon(0.08));
  }
  CHECK(counts[11] == Approx(110).epsilon(0.05));
  CHECK(plan.rate_at(kStart + 5s) == Approx(60));
}

TEST_CASE("a surge is over at once, also for whoever was drawn before it began") {
  const RatePlan plan(2, {{PlanStep::Kind::kHold, 0, 3s}, {PlanStep::Kind::kSurge, 20, 2s}},
                      kStart);
  const auto counts = each_second(plan, 8);
  for (const std::size_t calm : std::vector<std::size_t>{0, 1, 2, 5, 6, 7}) {
    INFO("second " << calm);
    CHECK(counts[calm] == Approx(2).epsilon(0.2));
  }
  CHECK(counts[3] == Approx(40).epsilon(0.05));
  CHECK(counts[4] == Approx(40).epsilon(0.05));
}

TEST_CASE("a ramp from nobody and back to nobody ends with nobody") {
  const RatePlan plan(0, {{PlanStep::Kind::kRamp, 40, 4s}, {PlanStep::Kind::kRamp, 0, 4s}}, kStart);
  const auto counts = each_second(plan, 10);
  CHECK(counts[0] == Approx(5).epsilon(0.15));
  CHECK(counts[4] == Approx(35).epsilon(0.1));
  CHECK(counts[9] == 0);
  CHECK(plan.next_after(kStart + 8s, 0.1) == MonoTime::max());
}

TEST_CASE("steps follow each other, and each says when it is under way") {
  const RatePlan plan(10,
                      {{PlanStep::Kind::kHold, 0, 1s},
                       {PlanStep::Kind::kRamp, 50, 0s},
                       {PlanStep::Kind::kSurge, 2, 1s}},
                      kStart);
  CHECK(plan.step_at(kStart) == 1);
  CHECK(plan.step_at(kStart + 1s) == 3);  // a ramp over no time is a jump
  CHECK(plan.rate_at(kStart + 1s) == 100);
  CHECK(plan.step_at(kStart + 2s) == 0);
  CHECK(plan.rate_at(kStart + 2s) == 50);
}

TEST_CASE("no plan goes beyond what the customers can send") {
  CHECK(RatePlan(9'000, {{PlanStep::Kind::kSurge, 20, 1s}}, kStart).rate_at(kStart) == kRateMax);
}

TEST_CASE("a burst has its time, and nobody comes before or after") {
  const RatePlan plan = RatePlan::burst(50, kStart + 2s, 3s);
  const auto counts = each_second(plan, 7);
  CHECK(counts[1] == 0);
  CHECK(counts[2] == Approx(50).epsilon(0.05));
  CHECK(counts[4] == Approx(50).epsilon(0.05));
  CHECK(counts[5] == 0);
}

}  // namespace
}  // namespace panshi::shop
