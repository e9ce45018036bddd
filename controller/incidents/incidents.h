// SPDX-License-Identifier: Apache-2.0
// Incidents: opened with a breach (rules.cc), closed when the service level is met and redundancy
// is back: every service ready and marked ok, no fault live. Closed for want of anything better
// when the rules that would tell were deleted while they fired, and when a person says so.
#pragma once

#include <string>
#include <vector>

#include "controller/world/context.h"

namespace panshi::controller {

void advance_incidents(Context& context);

// What it is still open for, each as the end of "waits until …": "service orders of app-1 is well:
// it was given up". Empty: it closes with the next step.
std::vector<std::string> waits_for(const Catalog& catalog, const State& state, const Memory& memory,
                                   WallTime now, const IncidentFacts& incident);

// REQUIRES: it is there and open. Its breaches count as cleared: what still fires opens another.
void close_by_hand(Context& context, const std::string& id, const std::string& why);

}  // namespace panshi::controller
