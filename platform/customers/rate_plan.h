// SPDX-License-Identifier: Apache-2.0
// RatePlan: how many customers come a second, as it changes over time: constant, ramps, surges.
//
// Arrivals stay those of a Poisson process: next_after() goes along the plan until as many
// arrivals are expected as were drawn, so a rate that changes between two arrivals counts for just
// the time it was in force. Pure.
#pragma once

#include <vector>

#include "core/base/clock.h"

namespace panshi::shop {

constexpr double kRateMax = 10'000;  // a second; a plan never goes beyond
constexpr double kSurgeMax = 20;

struct PlanStep {
  enum class Kind {
    kHold,  // stay
    kRamp,  // evenly to `value` a second, and stay there
    kSurge  // at once `value` times as many, and back
  } kind = Kind::kHold;
  double value = 0;
  Duration span{};
};

class RatePlan {
 public:
  explicit RatePlan(double rate) : last_(rate) {}
  RatePlan(double rate, const std::vector<PlanStep>& steps, MonoTime start);
  // Nobody but from `from` on, for `span`.
  static RatePlan burst(double rate, MonoTime from, Duration span);

  double rate_at(MonoTime time) const;
  // From 1; 0: no step is under way.
  std::size_t step_at(MonoTime time) const;
  // When `expected` arrivals were to be expected since `time`; MonoTime::max() when never.
  MonoTime next_after(MonoTime time, double expected) const;

 private:
  struct Segment {  // evenly from one rate to another
    MonoTime begin;
    MonoTime end;
    double first = 0;
    double second = 0;
    double at(MonoTime time) const;
  };
  void append(Duration span, double first, double second);

  std::vector<Segment> segments_;  // one a step
  MonoTime end_;
  double last_ = 0;  // after them
};

}  // namespace panshi::shop
