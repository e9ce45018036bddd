// SPDX-License-Identifier: Apache-2.0
#include "controller/world/leftovers.h"

#include <algorithm>

#include "controller/limits.h"
#include "controller/world/faults.h"
#include "core/base/ids.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

std::size_t leftovers_in_force(const State& state, const std::string& node) {
  return static_cast<std::size_t>(
      std::count_if(state.faults.begin(), state.faults.end(), [&](const auto& entry) {
        const FaultFacts& fault = entry.second;
        return fault.leftover && !fault.ended() && fault.node == node;
      }));
}

void tell_too_many(Context& context, const std::string& node) {
  const char* what = "too many faults";
  if (!context.memory.overstepped[node].insert(what).second) return;
  const std::string text =
      cat("told of more than ", limits::kLeftoversMax,
          " faults in force that nobody here ordered; the others are not taken in and end with "
          "their leases. Look with `panshi fault fsck ",
          node, "`; if that agent is not to be believed: `panshi fault close --node ", node,
          " --all --reason WHY`");
  context.emit("agent.overstepped", {{"what", what}, {"text", text}}, {"", "", "", node});
}

const FaultFacts* find_fault(const State& state, const std::string& id) {
  const auto found = state.faults.find(id);
  return found == state.faults.end() ? nullptr : &found->second;
}

}  // namespace

bool take_leftover(Context& context, const std::string& node, const std::string& fault) {
  if (!is_id(fault)) return false;  // no agent applies such a one
  LeftoverWatch& watch = context.memory.leftovers[node];
  if (watch.full == context.now) return false;  // counted once for a whole status of them
  while (!watch.told.empty() && watch.told.front() + 1min <= context.now) watch.told.pop_front();
  if (watch.told.size() >= limits::kLeftoversAMinute) return false;
  if (leftovers_in_force(context.state, node) >= limits::kLeftoversMax) {
    watch.full = context.now;
    tell_too_many(context, node);
    return false;
  }
  watch.told.push_back(context.now);
  return true;
}

std::set<std::string> nodes_of(const Inventory& inventory, const std::vector<Target>& targets) {
  std::set<std::string> nodes;
  for (const Target& target : targets) {
    if (!target.node.empty()) nodes.insert(target.node);
    for (const std::string& service : target.services) {
      if (const auto node = inventory.node_of_service(service)) nodes.insert(*node);
    }
  }
  return nodes;
}

bool is_elsewhere(const State& state, const IncidentFacts& incident,
                  const std::set<std::string>& nodes) {
  if (!incident.breaches.empty() || incident.faults.empty()) return false;
  return std::all_of(incident.faults.begin(), incident.faults.end(), [&](const std::string& id) {
    const FaultFacts* fault = find_fault(state, id);
    return !fault || (fault->leftover && !nodes.contains(fault->node));
  });
}

std::set<std::string> nodes_of(const Catalog& catalog, const State& state,
                               const IncidentFacts& incident) {
  std::vector<Target> targets;
  for (const std::string& id : incident.breaches) {
    const auto breach = state.breaches.find(id);
    if (breach == state.breaches.end()) continue;
    const auto rule = catalog.rules.find(breach->second.rule);
    if (rule != catalog.rules.end()) targets.push_back(rule->second.target);
  }
  const auto drill = state.drills.find(incident.drill);
  if (drill != state.drills.end()) {
    targets.insert(targets.end(), drill->second.targets.begin(), drill->second.targets.end());
  }
  std::set<std::string> nodes = nodes_of(catalog.inventory, targets);
  for (const std::string& id : incident.faults) {
    if (const FaultFacts* fault = find_fault(state, id)) nodes.insert(fault->node);
  }
  return nodes;
}

}  // namespace panshi::controller
