// SPDX-License-Identifier: Apache-2.0
// Authority: an agent's word counts for what is its own. A node that was taken over can lie about
// itself, and about nothing else. Pure.
#pragma once

#include <string>

#include "controller/world/state.h"
#include "core/model/inventory.h"

namespace panshi::controller {

// Services and links are of the node that the inventory gives them to.
bool owns_service(const Inventory& inventory, const std::string& node, const std::string& service);
bool owns_link(const Inventory& inventory, const std::string& node, const std::string& link);
// A signal is named after a service or a probe ("orders.up"), or as its probe says. That of a
// service is of the node that has it; any other, also of a probe that is named as a link elsewhere,
// of whoever sends it.
bool owns_signal(const Inventory& inventory, const std::string& node, const std::string& signal);
// An event names a service, a link, an action or a fault: that must be the node's own. An action is
// of the node that it was asked of; a fault that nobody here knows is the node's.
bool owns_event(const Inventory& inventory, const State& state, const std::string& node,
                const std::string& kind, const nlohmann::json& data);

}  // namespace panshi::controller
