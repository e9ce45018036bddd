// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet/agent_clock.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::controller {
namespace {

// Two answers may overtake one another by so much; a clock that goes back further began anew.
constexpr std::int64_t kOvertakeMaxUs = 60'000'000;

}  // namespace

Duration AgentClock::late_by(const std::string& sent, MonoTime read) {
  const auto sent_us = parse_integer(sent);
  // No machine is up for a century; beyond it, sums would overflow.
  constexpr std::int64_t kMost = 100LL * 365 * 24 * 3'600 * 1'000'000;
  if (!sent_us || *sent_us <= 0 || *sent_us > kMost) return Duration(0);
  if (*sent_us + kOvertakeMaxUs < last_sent_) count_ = 0;  // its machine was started anew
  last_sent_ = std::max(*sent_us, count_ == 0 ? std::int64_t{0} : last_sent_);
  const Duration difference = read.time_since_epoch() - Duration(*sent_us);
  differences_[count_ % kKept] = difference;
  ++count_;
  const auto end = differences_.begin() + static_cast<std::ptrdiff_t>(std::min(count_, kKept));
  return difference - *std::min_element(differences_.begin(), end);
}

}  // namespace panshi::controller
