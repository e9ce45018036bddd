// SPDX-License-Identifier: Apache-2.0
#include "controller/world/authority.h"

#include "controller/events/event_data.h"

namespace panshi::controller {

Authority::Authority(const Inventory& inventory) {
  for (const auto& [name, node] : inventory.nodes) {
    for (const std::string& service : node.services) services_[service].insert(name);
    for (const auto& [link, upstreams] : node.links) links_[link].insert(name);
  }
}

// Of this node, or of nobody: then it may be a name that only the agent knows.
bool Authority::owns(const Owners& owners, const std::string& node, const std::string& name) {
  const auto found = owners.find(name);
  return found == owners.end() || found->second.contains(node);
}

bool Authority::owns_signal(const std::string& node, const std::string& signal) const {
  return owns(services_, node, signal.substr(0, signal.find('.')));
}

bool Authority::owns_event(const State& state, const std::string& node, const std::string& kind,
                           const nlohmann::json& data) const {
  if (kind == "action.done") {
    const auto effect = state.effects.find(text_of(data, "action"));
    return effect == state.effects.end() || effect->second.node == node;
  }
  if (kind.starts_with("fault.")) {
    const auto fault = state.faults.find(text_of(data, "fault"));
    return fault == state.faults.end() || fault->second.node == node;
  }
  return owns(services_, node, text_of(data, "service")) &&
         owns(links_, node, text_of(data, "link"));
}

}  // namespace panshi::controller
