// SPDX-License-Identifier: Apache-2.0
#include "controller/world/authority.h"

#include <algorithm>

#include "controller/events/event_data.h"

namespace panshi::controller {
namespace {

bool has_service(const InventoryNode& node, const std::string& name) {
  return std::find(node.services.begin(), node.services.end(), name) != node.services.end();
}

// Of this node, or of nobody: then it may be a name that only the agent knows.
template <class Has>
bool owns(const Inventory& inventory, const std::string& node, const Has& has) {
  const auto own = inventory.nodes.find(node);
  if (own != inventory.nodes.end() && has(own->second)) return true;
  return std::none_of(inventory.nodes.begin(), inventory.nodes.end(),
                      [&](const auto& each) { return has(each.second); });
}

}  // namespace

bool owns_service(const Inventory& inventory, const std::string& node, const std::string& service) {
  return owns(inventory, node,
              [&](const InventoryNode& each) { return has_service(each, service); });
}

bool owns_link(const Inventory& inventory, const std::string& node, const std::string& link) {
  return owns(inventory, node,
              [&](const InventoryNode& each) { return each.links.contains(link); });
}

bool owns_signal(const Inventory& inventory, const std::string& node, const std::string& signal) {
  return owns_service(inventory, node, signal.substr(0, signal.find('.')));
}

bool owns_event(const Inventory& inventory, const State& state, const std::string& node,
                const std::string& kind, const nlohmann::json& data) {
  if (kind == "action.done") {
    const auto effect = state.effects.find(text_of(data, "action"));
    return effect == state.effects.end() || effect->second.node == node;
  }
  if (kind.starts_with("fault.")) {
    const auto fault = state.faults.find(text_of(data, "fault"));
    return fault == state.faults.end() || fault->second.node == node;
  }
  const std::string service = text_of(data, "service");
  const std::string link = text_of(data, "link");
  return (service.empty() || owns_service(inventory, node, service)) &&
         (link.empty() || owns_link(inventory, node, link));
}

}  // namespace panshi::controller
