// SPDX-License-Identifier: Apache-2.0
#include "controller/world/blast_radius.h"

#include <algorithm>
#include <set>

#include "controller/world/faults.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

// What of the system is broken: "node: target"; a service's name is one of the whole system.
std::string broken_name(const nlohmann::json& target, const std::string& node) {
  return cat(target.contains("service") ? "" : node, " ", dump_json(target));
}

// The services that a fault on the target can hurt: its own, those behind a link, and all of a node
// of which only the agent knows what is hit.
std::set<std::string> hurt_services(const Inventory& inventory, const nlohmann::json& target,
                                    const std::string& node_name) {
  if (target.contains("service") && target["service"].is_string()) {
    return {target["service"].get<std::string>()};
  }
  const auto node = inventory.nodes.find(node_name);
  if (node == inventory.nodes.end()) return {};
  if (!target.contains("link") || !target["link"].is_string()) {
    return {node->second.services.begin(), node->second.services.end()};
  }
  const auto link = node->second.links.find(target["link"].get<std::string>());
  if (link == node->second.links.end() || link->second.size() != 1) return {};  // has another way
  return {link->second.begin(), link->second.end()};
}

}  // namespace

std::string why_too_wide(const Context& context, const Target& target, std::int64_t targets_max) {
  const Inventory& inventory = context.catalog.inventory;
  const nlohmann::json wire = wire_target(target);
  const std::set<std::string> more = hurt_services(inventory, wire, target.node);
  std::set<std::string> names = {broken_name(wire, target.node)};
  std::set<std::string> hurt = more;
  const std::string node = node_of(inventory, target);
  for (const auto& [id, fault] : context.state.faults) {
    if (fault.ended()) continue;
    // What another node says of itself that nobody ordered is not counted, for it may say any
    // number. Of its own services it is believed: fewer of a group are then well.
    const bool counts = !fault.leftover || fault.node == node;
    if (counts) names.insert(broken_name(fault.target, fault.node));
    hurt.merge(hurt_services(inventory, fault.target, fault.node));
  }
  if (const auto after = static_cast<std::int64_t>(names.size()); after > targets_max) {
    return cat("it would break ", after, " targets at once, targets_max is ", targets_max);
  }
  for (const HealthyGroup& group : inventory.groups) {
    const auto is_hurt = [&](const std::string& service) { return hurt.contains(service); };
    const auto all = static_cast<std::int64_t>(group.services.size());
    const auto broken = std::count_if(group.services.begin(), group.services.end(), is_hurt);
    const bool ours = std::any_of(group.services.begin(), group.services.end(),
                                  [&](const auto& service) { return more.contains(service); });
    if (!ours || all - broken >= group.min_healthy) continue;
    return cat("it would leave ", all - broken, " of ", all, " healthy in group ", group.name,
               ", min_healthy is ", group.min_healthy);
  }
  return {};
}

}  // namespace panshi::controller
