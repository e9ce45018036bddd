// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/adaptive_limit.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace panshi::shop {

Duration AdaptiveLimit::MovingMinimum::value() const {
  if (older_ && newer_) return std::min(*older_, *newer_);
  return older_ ? *older_ : newer_.value_or(Duration(0));
}

AdaptiveLimit::AdaptiveLimit(Options options, std::size_t kinds)
    : options_(options), limit_(static_cast<double>(options.max)), minima_(kinds) {
  CHECK_BUG(options.min >= 1 && options.min <= options.max);
}

void AdaptiveLimit::sample(std::size_t kind, Duration latency, std::int64_t in_flight,
                           MonoTime now) {
  CHECK_BUG(kind < minima_.size());
  if (!window_began_) {
    window_began_ = now;
    minimum_turns_at_ = now + options_.remember / 2;
  }
  MovingMinimum& minimum = minima_[kind];
  minimum.add(latency);
  const Duration unloaded = std::max(minimum.value(), options_.floor);
  const double ratio = static_cast<double>(latency.count()) /
                       static_cast<double>(std::max<std::int64_t>(unloaded.count(), 1));
  if (ratios_.size() < kRatiosMax) {
    ratios_.push_back(ratio);
  } else {
    ratios_[seen_ % kRatiosMax] = ratio;
  }
  ++seen_;
  in_flight_max_ = std::max(in_flight_max_, in_flight);
  if (now - *window_began_ >= options_.window && seen_ >= options_.samples_min) close_window(now);
}

void AdaptiveLimit::close_window(MonoTime now) {
  const auto middle = ratios_.begin() + static_cast<std::ptrdiff_t>(ratios_.size() / 2);
  std::nth_element(ratios_.begin(), middle, ratios_.end());
  ratio_ = *middle;
  const bool in_use = static_cast<double>(in_flight_max_) * 2 >= limit_;
  if (before_probe_) {
    limit_ = *before_probe_;  // what was seen at half the limit says nothing about the whole
    before_probe_.reset();
  } else {
    const double gradient = std::clamp(options_.tolerance / std::max(ratio_, 1e-6), 0.5, 1.0);
    const double target = limit_ * gradient + std::sqrt(limit_);
    // A limit that nobody needs must not grow on good latencies: they are not due to it.
    if (target < limit_ || in_use) limit_ += options_.smoothing * (target - limit_);
  }
  limit_ = std::clamp(limit_, static_cast<double>(options_.min), static_cast<double>(options_.max));
  if (now >= minimum_turns_at_) {
    for (MovingMinimum& minimum : minima_) minimum.turn();
    minimum_turns_at_ = now + options_.remember / 2;
    if (in_use) {
      before_probe_ = limit_;
      limit_ = std::max(limit_ / 2, static_cast<double>(options_.min));
    }
  }
  ratios_.clear();
  seen_ = 0;
  in_flight_max_ = 0;
  window_began_ = now;
}

}  // namespace panshi::shop
