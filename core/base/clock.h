// SPDX-License-Identifier: Apache-2.0
// Clock: the only way code learns the time.
//
// Two kinds of time, never mixed: WallTime to show and store, MonoTime to measure and schedule.
// Logic takes `now` as an argument; only a loop at the edge of a process owns a Clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace panshi {

using Duration = std::chrono::microseconds;
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime mono() const = 0;
  virtual WallTime wall() const = 0;
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  MonoTime mono() const override {
    return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
  }
  WallTime wall() const override {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
};

inline MonoTime mono_now() { return SystemClock().mono(); }
inline WallTime wall_now() { return SystemClock().wall(); }

// Wall time that never jumps: read once at the start (and never before `floor`, the newest time in
// a journal), then carried on by the monotonic clock. What the controller stamps and schedules by:
// it survives a restart, which MonoTime does not, and an operator's `date -s`, which WallTime does
// not.
class AnchoredClock {
 public:
  AnchoredClock(const Clock& clock, WallTime floor)
      : clock_(clock), mono_(clock.mono()), wall_(std::max(clock.wall(), floor)) {}
  WallTime now() const { return wall_ + (clock_.mono() - mono_); }

 private:
  const Clock& clock_;
  MonoTime mono_;
  WallTime wall_;
};

inline std::int64_t to_us(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime from_us(std::int64_t us) { return WallTime(Duration(us)); }

// Stands still until a test moves it.
class SimClock final : public Clock {
 public:
  MonoTime mono() const override { return mono_; }
  WallTime wall() const override { return wall_; }
  void advance(Duration by) {
    mono_ += by;
    wall_ += by;
  }
  void jump_wall(Duration by) { wall_ += by; }  // an operator or NTP set the clock

 private:
  MonoTime mono_{};
  WallTime wall_{std::chrono::days{20'000}};
};

}  // namespace panshi
