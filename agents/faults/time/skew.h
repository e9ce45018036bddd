// SPDX-License-Identifier: Apache-2.0
// time.skew: a service whose wall clock is ahead, behind, too fast or too slow. Its monotonic clock
// stays right, so that its waits are those it asked for, but for sleeps when the rate is changed.
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_time_skew(const FaultRequest& request, Host& host);
std::string why_no_skew(Host& host);  // FaultKind::why_not

}  // namespace panshi::agent
