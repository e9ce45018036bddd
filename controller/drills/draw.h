// SPDX-License-Identifier: Apache-2.0
// Draws: what a seed picks. The same seed picks the same, today and in a replay.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/scenario.h"

namespace panshi::controller {

// The target of each fault of the scenario, with every `any_of` decided: no service is drawn twice,
// nor one that another fault names.
// REQUIRES: draws_are_distinct(); else some are drawn twice.
std::vector<Target> draw_targets(const Scenario& scenario, std::uint64_t seed);

// Whether there are enough services for every draw to have its own.
bool draws_are_distinct(const Scenario& scenario);

}  // namespace panshi::controller
