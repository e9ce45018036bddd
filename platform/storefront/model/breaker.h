// SPDX-License-Identifier: Apache-2.0
// Breaker: stops calling a dependency that fails, and tries it again after a while.
//
// Closed: every call may go. After `failures_max` failures in a row it is open for `open_for`:
// calls are refused at once, so nobody waits for a timeout. Then half open: one call at a time may
// try; its success closes the breaker, its failure opens it again.
//
// Pure: the caller passes `now`. One thread at a time (users hold their own lock).
#pragma once

#include <cstdint>

#include "core/base/clock.h"

namespace panshi::shop {

class Breaker {
 public:
  struct Options {
    int failures_max = 5;
    Duration open_for = std::chrono::seconds(1);
    // A trial that never reported back (its thread died with it) is given up after this.
    Duration trial_max = std::chrono::seconds(5);
  };
  enum class State { kClosed, kOpen, kHalfOpen };

  explicit Breaker(Options options) : options_(options) {}

  // Whether a call may go now. After true, exactly one of succeeded() and failed() must follow.
  bool allow(MonoTime now);
  void succeeded();
  void failed(MonoTime now);

  State state(MonoTime now) const;
  std::uint64_t refused() const { return refused_; }

 private:
  Options options_;
  int failures_ = 0;  // in a row
  bool tripped_ = false;
  MonoTime retry_at_{};  // when tripped: no call before
  std::uint64_t refused_ = 0;
};

}  // namespace panshi::shop
