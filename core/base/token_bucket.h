// SPDX-License-Identifier: Apache-2.0
// TokenBucket: so much at once, and so much a second for long. Pure; one thread at a time.
#pragma once

#include <algorithm>
#include <optional>

#include "core/base/clock.h"

namespace panshi {

class TokenBucket {
 public:
  // Holds `burst` at most, gets `per_second`. What is taken may leave it in debt.
  TokenBucket(double burst, double per_second)
      : burst_(burst), per_second_(per_second), left_(burst) {}

  void fill(MonoTime now) {
    // A clock that was set back takes nothing away.
    const Duration passed = filled_ ? std::max(Duration(0), now - *filled_) : Duration(0);
    filled_ = now;
    left_ = std::min(burst_, left_ + per_second_ * std::chrono::duration<double>(passed).count());
  }
  bool has(double amount) const { return left_ >= amount; }
  void take(double amount) { left_ -= amount; }
  MonoTime solvent_at() const {  // when it is out of debt
    if (left_ >= 0 || !filled_) return MonoTime::min();
    const std::chrono::duration<double> wait(-left_ / per_second_);
    return *filled_ + std::chrono::duration_cast<Duration>(wait) + Duration(1);
  }

 private:
  double burst_;
  double per_second_;
  double left_;
  std::optional<MonoTime> filled_;
};

}  // namespace panshi
