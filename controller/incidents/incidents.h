// SPDX-License-Identifier: Apache-2.0
// Incidents: opened with a breach (rules.cc), closed when the service level is met and redundancy
// is back: every service ready and marked ok, no fault live. Closed for want of anything better
// when the rules that would tell were deleted while they fired, and when a person says so.
#pragma once

#include <string>

#include "controller/world/context.h"

namespace panshi::controller {

void advance_incidents(Context& context);

// REQUIRES: it is there and open. Its breaches count as cleared: what still fires opens another.
void close_by_hand(Context& context, const std::string& id, const std::string& why);

}  // namespace panshi::controller
