// SPDX-License-Identifier: Apache-2.0
// Outcomes: what became of an effect, from whichever side it is learnt. Internal to
// controller/loop.
#pragma once

#include <string>

#include "controller/world/context.h"

namespace panshi::controller {

// `action` has state, error and result, as the agent's event action.done, its answer and its status
// all do. One that is still running settles nothing.
void settle_action(Context& context, const std::string& effect, const nlohmann::json& action,
                   WallTime at);

}  // namespace panshi::controller
