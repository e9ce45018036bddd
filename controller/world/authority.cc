// SPDX-License-Identifier: Apache-2.0
#include "controller/world/authority.h"

#include "controller/events/event_data.h"

namespace panshi::controller {

Authority::Authority(const Inventory& inventory) {
  for (const auto& [name, node] : inventory.nodes) {
    nodes_.insert(name);
    for (const std::string& signal : node.offer.signals.value_or(std::vector<std::string>())) {
      signals_[signal].insert(name);
    }
    for (const std::string& service : node.services) services_[service].insert(name);
    for (const auto& [link, upstreams] : node.links) links_[link].insert(name);
  }
}

// Of this node, or of nobody: then it may be a name that only the agent knows.
bool Authority::owns(const Owners& owners, const std::string& node, const std::string& name) {
  const auto found = owners.find(name);
  return found == owners.end() || found->second.contains(node);
}

Authority::Whose Authority::whose_signal(const State& state, const std::string& node,
                                         const std::string& signal) const {
  const auto service = services_.find(signal.substr(0, signal.find('.')));
  const auto declared = service == services_.end() ? signals_.find(signal) : service;
  if (service != services_.end() || declared != signals_.end()) {
    return declared->second.contains(node) ? Whose::kOwn : Whose::kAnothers;
  }
  const auto taken = state.signals.by_name.find(signal);
  // A node that was taken out of the inventory keeps nothing.
  if (taken == state.signals.by_name.end() || !nodes_.contains(taken->second)) {
    return Whose::kNobodys;
  }
  return taken->second == node ? Whose::kOwn : Whose::kAnothers;
}

bool Authority::owns_target(const std::string& node, const nlohmann::json& target) const {
  const std::string other = text_of(target, "node");
  return (other.empty() || other == node) && owns(services_, node, text_of(target, "service")) &&
         owns(links_, node, text_of(target, "link"));
}

bool Authority::owns_event(const State& state, const std::string& node, const std::string& kind,
                           const nlohmann::json& data) const {
  if (kind == "action.done") {
    const auto effect = state.effects.find(text_of(data, "action"));
    return effect == state.effects.end() || effect->second.node == node;
  }
  if (kind.starts_with("fault.")) {
    const auto fault = state.faults.find(text_of(data, "fault"));
    if (fault != state.faults.end()) return fault->second.node == node;
    return owns_target(node, value_of(data, "target"));
  }
  const std::string probe = text_of(data, "probe");
  if (!probe.empty() && whose_signal(state, node, probe + ".up") == Whose::kAnothers) return false;
  return owns(services_, node, text_of(data, "service")) &&
         owns(links_, node, text_of(data, "link"));
}

}  // namespace panshi::controller
