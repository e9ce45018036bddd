// SPDX-License-Identifier: Apache-2.0
// Drills: from the steady state through the faults to a verdict.
//
// steady → inject → recover → settle → audit → done. Promises: never more targets broken than the
// scenario allows; refused with a reason rather than started on shaky ground; reverted on any
// abort; no `pass` while something is unknown.
#pragma once

#include <cstdint>
#include <string>

#include "controller/world/context.h"

namespace panshi::controller {

struct DrillOrder {
  Scenario scenario;
  std::uint64_t seed = 0;
  std::string why = "asked";  // asked | scheduled
};

// Why it may not start now; empty when it may.
std::string why_not_drill(const Context& context, const DrillOrder& order);

// REQUIRES: why_not_drill is empty. Returns the drill's id.
std::string start_drill(Context& context, const DrillOrder& order);

// Everything of it is reverted, then it is done. `failure`: by a condition of the scenario.
void abort_drill(Context& context, const std::string& drill, const std::string& why, bool failure);

void advance_drills(Context& context);

}  // namespace panshi::controller
