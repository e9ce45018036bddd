// SPDX-License-Identifier: Apache-2.0
// ProbeJudge: turns single good and bad runs into `up`, so that one lost packet is no outage.
// on_grid: when a probe runs next. Both pure.
#pragma once

#include <optional>

#include "core/base/clock.h"

namespace panshi::agent {

class ProbeJudge {
 public:
  ProbeJudge(int rise, int fall) : rise_(rise), fall_(fall) {}

  // True when `up` became known or changed: after `rise` good or `fall` bad runs in a row.
  bool take(bool good) {
    in_a_row_ = good == last_ ? in_a_row_ + 1 : 1;
    last_ = good;
    if (up_ == good || in_a_row_ < (good ? rise_ : fall_)) return false;
    up_ = good;
    return true;
  }
  std::optional<bool> up() const { return up_; }  // none: not known yet

 private:
  int rise_;
  int fall_;
  int in_a_row_ = 0;
  bool last_ = false;
  std::optional<bool> up_;
};

// The next run after the one due at `due`: always first + k × every, so a probe never drifts. Runs
// that were missed are skipped; when one is due at or just before `now`, it is that one.
inline MonoTime on_grid(MonoTime due, Duration every, MonoTime now) {
  due += every;
  if (due < now) due += (now - due) / every * every;
  return due;
}

}  // namespace panshi::agent
