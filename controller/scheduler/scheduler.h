// SPDX-License-Identifier: Apache-2.0
// The scheduler: on a drill day, draws a scenario with a seed and starts it by itself.
//
// A due time is dealt with exactly once, over restarts and steps of the clock too: run, or recorded
// as missed with the reason (docs/decisions/0019). The seed comes from the day's name and the due
// time, so it can be known beforehand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/world/context.h"

namespace panshi::controller {

// What a seed picks: {"scenario","seed","targets":[…]}. kNotFound when the scenario is not there.
Result<nlohmann::json> draw(const Catalog& catalog, const DrillDay& day, std::uint64_t seed);

// Below 1,000,000,000, so that people can type it.
std::uint64_t seed_of(const DrillDay& day, WallTime due);

// The day's next due time that was not dealt with yet; nothing when it is off or its zone unknown.
std::optional<WallTime> next_due_of(const State& state, const DrillDay& day, WallTime now);

void advance_scheduler(Context& context);

}  // namespace panshi::controller
