// SPDX-License-Identifier: Apache-2.0
// Draws: what a seed picks. The same seed picks the same, today and in a replay.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/scenario.h"

namespace panshi::controller {

// The target of each fault of the scenario, with every `any_of` decided.
std::vector<Target> draw_targets(const Scenario& scenario, std::uint64_t seed);

}  // namespace panshi::controller
