// SPDX-License-Identifier: Apache-2.0
// AgentClock: when an agent's answer would have been read by a controller that was never frozen.
//
// Events carry their age at the moment of the answer (docs/decisions/0001). An answer that lay
// unread, because this process or the machine's network stood still, makes them younger than they
// are. Each answer also tells the agent's monotonic clock; the smallest difference to ours that was
// seen lately is that of an answer that was read at once. Pure. Owned by the thread `fleet`.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "core/base/clock.h"

namespace panshi::controller {

class AgentClock {
 public:
  // How long before `read` the answer could have been read; `sent`: the value of kSentHeader, ""
  // when there is none (an older agent): then 0.
  Duration late_by(const std::string& sent, MonoTime read);

 private:
  // Of the last answers: the clocks of two machines drift apart.
  static constexpr std::size_t kKept = 32;
  std::array<Duration, kKept> differences_{};
  std::size_t count_ = 0;  // ever, since the agent's clock began anew
  std::int64_t last_sent_ = 0;
};

}  // namespace panshi::controller
