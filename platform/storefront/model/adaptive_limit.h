// SPDX-License-Identifier: Apache-2.0
// AdaptiveLimit: how many requests may be under way at once, learnt from how long they take.
//
// When requests take longer than they do unloaded, they queue somewhere below, and more of them at
// once only makes the queue longer. Once a window:
//
//     gradient = clamp(tolerance / ratio, 0.5, 1)       ratio: latency now ÷ latency unloaded
//     limit   <- limit + smoothing * (limit * gradient + sqrt(limit) - limit)
//
// which is the GradientLimit of Netflix's concurrency-limits
// (github.com/Netflix/concurrency-limits), with these differences. The unloaded latency is a moving
// minimum for each kind of request, never below `floor`: on a busy machine 1 ms becomes 5 ms
// without any overload. The ratio is the median of the window's, so that one slow dependency of a
// few requests does not shut the gate for all (its bulkhead bounds those). Whenever the minimum
// starts anew while the limit is in use, the limit is halved for one window: else the queue would
// slowly become the new normal.
//
// Pure: the caller passes `now`. One thread at a time (users hold their own lock).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/clock.h"

namespace panshi::shop {

class AdaptiveLimit {
 public:
  struct Options {
    std::int64_t min = 8;
    std::int64_t max = 24;  // where it starts, too
    Duration floor = std::chrono::milliseconds(50);
    double tolerance = 2.0;
    double smoothing = 0.3;
    Duration window = std::chrono::milliseconds(500);
    std::size_t samples_min = 10;                  // a window lasts until it has seen that many
    Duration remember = std::chrono::seconds(60);  // the minimum is of that long, half at least
  };
  // `kinds` of requests, each with its own unloaded latency.
  AdaptiveLimit(Options options, std::size_t kinds);

  // A request of `kind` < kinds ended after `latency`; `in_flight` were under way, it included.
  // Not for one that was refused before it did any work.
  void sample(std::size_t kind, Duration latency, std::int64_t in_flight, MonoTime now);

  std::int64_t limit() const { return static_cast<std::int64_t>(limit_); }
  double ratio() const { return ratio_; }  // of the last window

 private:
  class MovingMinimum {
   public:
    void add(Duration value) { newer_ = newer_ ? std::min(*newer_, value) : value; }
    void turn() {
      if (newer_) older_ = newer_;
      newer_.reset();
    }
    Duration value() const;

   private:
    std::optional<Duration> older_, newer_;
  };

  void close_window(MonoTime now);

  static constexpr std::size_t kRatiosMax = 512;  // of one window; later ones replace the first

  Options options_;
  double limit_;
  std::optional<double> before_probe_;  // the limit that a probe interrupted
  double ratio_ = 1.0;
  std::vector<MovingMinimum> minima_;
  std::vector<double> ratios_;
  std::size_t seen_ = 0;  // samples in this window
  std::int64_t in_flight_max_ = 0;
  std::optional<MonoTime> window_began_;
  MonoTime minimum_turns_at_{};
};

}  // namespace panshi::shop
