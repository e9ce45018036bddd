// SPDX-License-Identifier: Apache-2.0
// Commands that change where the connections of a link go, beside the reroute that runbooks know.
//
// They have the agent act and answer with the effect; the agent knows whether the words fit.
// Pure. Thread `loop`.
#pragma once

#include <nlohmann/json.hpp>

#include "controller/world/context.h"
#include "core/base/result.h"

namespace panshi::controller {

// Has the agent of the node act → {"effect"}. kUnavailable when it is down: nothing was done.
Result<nlohmann::json> order_action(Context& context, const std::string& node, Duration timeout,
                                    nlohmann::json body);

// {node, link, upstream, within?}, {node, link, upstream}, {node, link, weights: {upstream:
// weight}}
Result<nlohmann::json> link_drain(Context& context, const nlohmann::json& body);
Result<nlohmann::json> link_undrain(Context& context, const nlohmann::json& body);
Result<nlohmann::json> link_weights(Context& context, const nlohmann::json& body);

}  // namespace panshi::controller
