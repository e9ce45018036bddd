// SPDX-License-Identifier: Apache-2.0
// The blast radius: how much may be broken at once, by drills and by hand alike.
//
// Counted on the state after the act, on whole numbers; what may be in force counts as in force.
#pragma once

#include <string>

#include "controller/world/context.h"

namespace panshi::controller {

// Why breaking the target as well would be too much; empty when it would not: more than
// `targets_max` targets at once, or fewer healthy services in a group than its `min_healthy`.
std::string why_too_wide(const Context& context, const Target& target, std::int64_t targets_max);

}  // namespace panshi::controller
