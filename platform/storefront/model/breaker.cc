// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/breaker.h"

namespace panshi::shop {

bool Breaker::allow(MonoTime now) {
  if (!tripped_) return true;
  if (now < retry_at_) {
    ++refused_;
    return false;
  }
  retry_at_ = now + options_.trial_max;  // the others wait for this trial
  return true;
}

void Breaker::succeeded() {
  failures_ = 0;
  tripped_ = false;
}

void Breaker::failed(MonoTime now) {
  ++failures_;
  if (tripped_ || failures_ >= options_.failures_max) {
    tripped_ = true;
    retry_at_ = now + options_.open_for;
  }
}

Breaker::State Breaker::state(MonoTime now) const {
  if (!tripped_) return State::kClosed;
  return now < retry_at_ ? State::kOpen : State::kHalfOpen;
}

}  // namespace panshi::shop
