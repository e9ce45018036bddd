// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/rate_plan.h"

#include <algorithm>
#include <cmath>

namespace panshi::shop {
namespace {

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

}  // namespace

RatePlan::RatePlan(double rate, const std::vector<PlanStep>& steps, MonoTime start)
    : end_(start), last_(rate) {
  for (const PlanStep& step : steps) {
    switch (step.kind) {
      case PlanStep::Kind::kHold:
        append(step.span, last_, last_);
        break;
      case PlanStep::Kind::kRamp:
        append(step.span, last_, std::min(step.value, kRateMax));
        last_ = std::min(step.value, kRateMax);
        break;
      case PlanStep::Kind::kSurge: {
        const double high = std::min(last_ * step.value, kRateMax);
        append(step.span, high, high);
        break;
      }
    }
  }
}

RatePlan RatePlan::burst(double rate, MonoTime from, Duration span) {
  RatePlan plan(0);
  plan.end_ = from;
  plan.append(span, rate, rate);
  return plan;
}

void RatePlan::append(Duration span, double first, double second) {
  segments_.push_back({end_, end_ + span, first, second});
  end_ += span;
}

double RatePlan::Segment::at(MonoTime time) const {
  if (end == begin) return second;
  return first + (second - first) * seconds(time - begin) / seconds(end - begin);
}

double RatePlan::rate_at(MonoTime time) const {
  if (!segments_.empty() && time < segments_.front().begin) return 0;
  for (const Segment& segment : segments_) {
    if (time < segment.end) return segment.at(time);
  }
  return last_;
}

std::size_t RatePlan::step_at(MonoTime time) const {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (time >= segments_[i].begin && time < segments_[i].end) return i + 1;
  }
  return 0;
}

MonoTime RatePlan::next_after(MonoTime time, double expected) const {
  if (!segments_.empty()) time = std::max(time, segments_.front().begin);
  for (const Segment& segment : segments_) {
    if (time >= segment.end) continue;
    const double now = segment.at(time);
    const double left = seconds(segment.end - time);
    const double here = (now + segment.second) / 2 * left;
    if (here > 0 && expected <= here) {
      // now·x + slope·x²/2 = expected, solved so that nothing cancels out.
      const double slope = (segment.second - now) / left;
      const double root = std::sqrt(std::max(0.0, now * now + 2 * slope * expected));
      return time + Duration(static_cast<std::int64_t>(2 * expected / (now + root) * 1e6));
    }
    expected -= here;
    time = segment.end;
  }
  if (last_ <= 0) return MonoTime::max();
  return time + Duration(static_cast<std::int64_t>(expected / last_ * 1e6));
}

}  // namespace panshi::shop
