// SPDX-License-Identifier: Apache-2.0
#include "core/model/check.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "core/model/check_place.h"
#include "core/model/distinct.h"
#include "core/model/fault_kinds.h"

namespace panshi {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const Inventory* Place::inventory() const { return known.inventory; }

void check_name(const Place& place, std::string_view what, const std::string& name,
                const std::vector<std::string>* known, const std::string& path) {
  if (!known || name.empty() || contains(*known, name)) return;
  place.problems.add(path, unknown_name(what, name, *known));
}

void check_service(const Place& place, const std::string& service, const std::string& path) {
  if (!place.inventory()) return;
  const auto services = place.inventory()->services();
  check_name(place, "service", service, &services, path);
}

const InventoryNode* check_node(const Place& place, const std::string& node) {
  if (!place.inventory() || node.empty()) return nullptr;
  const auto& nodes = place.known.inventory->nodes;
  const auto found = nodes.find(node);
  if (found != nodes.end()) return &found->second;
  place.problems.add(place.at("node"),
                     unknown_name("node", node, place.known.inventory->node_names()));
  return nullptr;
}

const std::vector<std::string>* check_link(const Place& place, const std::string& node,
                                           const std::string& link) {
  const InventoryNode* carrier = check_node(place, node);
  if (!carrier) return nullptr;
  std::vector<std::string> links;
  for (const auto& [name, upstreams] : carrier->links) links.push_back(name);
  check_name(place, cat("link of ", node), link, &links, place.at("link"));
  const auto found = carrier->links.find(link);
  return found == carrier->links.end() ? nullptr : &found->second;
}

namespace {

void check_target(const Place& place, const Target& target, bool any_of) {
  for (std::size_t i = 0; i < target.services.size(); ++i) {
    check_service(place, target.services[i],
                  place.at(any_of ? cat("service.any_of[", i, "]") : "service"));
  }
  if (target.is_link()) (void)check_link(place, target.node, target.link);
  if (target.is_node() || target.is_processes()) (void)check_node(place, target.node);
}

// Long lists help nobody: there are hundreds of signals.
void check_signal(const Place& place, const std::string& signal, const std::string& node,
                  const std::vector<std::string>& known) {
  if (signal.empty() || contains(known, signal)) return;
  place.problems.add(place.at("signal"),
                     cat("unknown signal `", signal, "`: ", node.empty() ? "no agent" : node,
                         node.empty() ? " sends it" : " does not send it",
                         did_you_mean(signal, known), "; `panshi agent list` names the agents"));
}

}  // namespace

void check_comparison(const Place& place, const Comparison& comparison) {
  const InventoryNode* node = check_node(place, comparison.node);
  if (node && node->offer.signals) {
    return check_signal(place, comparison.signal, node->name, *node->offer.signals);
  }
  if (!place.inventory() || !comparison.node.empty()) return;
  const auto all = place.known.inventory->signals();
  if (all) check_signal(place, comparison.signal, "", *all);
}

namespace {

void check_kind(const Place& place, const FaultKindSpec& kind, const ScenarioFault& fault) {
  if (fault.params.is_object()) {
    (void)read_fault_params(kind, fault.params, place.at("params"), place.problems);
  }
  const Target& target = fault.target;
  if (target.empty()) return;  // was reported
  if (kind.takes(target.key())) return;
  std::vector<std::string> shapes;
  for (const std::string& key : kind.target_keys()) {
    shapes.push_back(target_shape(key));
  }
  place.problems.add(place.at("target"), cat(fault.kind, " breaks a ", kind.target_key,
                                             ": expected ", join(shapes, " or ")));
}

bool is_of_service(std::string_view through) {
  return !through.empty() && through != "http" && through != "directories";
}

// The services of the inventory that have the entry; none when some agent has not said.
std::vector<std::string> services_with(const Inventory& inventory, std::string_view entry) {
  std::vector<std::string> names;
  for (const auto& [unused, node] : inventory.nodes) {
    if (!node.offer.reach) return {};
    for (const auto& [service, entries] : node.offer.reach->services) {
      if (contains(entries, std::string(entry))) names.push_back(service);
    }
  }
  return names;
}

std::string or_those_with(const Place& place, std::string_view entry) {
  const std::vector<std::string> names = services_with(*place.known.inventory, entry);
  return names.empty() ? "" : cat("; those that have: ", join(names, ", "));
}

void check_services_reach(const Place& place, const FaultKindSpec& kind, const Target& target) {
  for (const std::string& service : target.services) {
    const auto node = place.known.inventory->node_of_service(service);
    if (!node) continue;  // was reported
    const auto& reach = place.known.inventory->nodes.at(*node).offer.reach;
    if (!reach || reach->has(service, kind.through)) continue;
    place.problems.add(
        place.at("target.service"),
        cat(kind.name, " works through `", kind.through, "` of a service, and ", service,
            " has none in the configuration of ", *node, or_those_with(place, kind.through)));
  }
}

void check_node_reach(const Place& place, const FaultKindSpec& kind, const FaultReach& reach,
                      const std::string& node) {
  if (!is_of_service(kind.through) || reach.has_any(kind.through)) return;
  place.problems.add(place.at("target.node"), cat(kind.name, " works through `", kind.through,
                                                  "` of a service, and none on ", node, " has it",
                                                  or_those_with(place, kind.through)));
}

void check_link_reach(const Place& place, const FaultReach& reach, const Target& target) {
  if (contains(reach.http_links, target.link)) return;
  place.problems.add(
      place.at("target.link"),
      cat(target.link, " of ", target.node, " is not declared `protocol: http`",
          reach.http_links.empty() ? "" : "; links that are: ", join(reach.http_links, ", ")));
}

void check_path_reach(const Place& place, const FaultReach& reach, const ScenarioFault& fault) {
  for (const char* key : {"path", "directory"}) {
    if (!fault.params.is_object() || !fault.params.contains(key)) continue;
    const auto& path = fault.params[key];
    if (!path.is_string() || !path.get<std::string>().starts_with('/')) continue;  // was reported
    if (reach.may_touch(path.get<std::string>())) continue;
    place.problems.add(
        place.at(cat("params.", key)),
        cat("lies in no folder that ", fault.target.node,
            " lets faults touch (`limits.directories`: ",
            reach.directories->empty() ? "none" : join(*reach.directories, ", "), ")"));
  }
}

// What the agent would refuse when the fault comes, for want of an account, a protocol or a folder.
void check_reach(const Place& place, const FaultKindSpec& kind, const ScenarioFault& fault) {
  const std::string_view through = kind.through;
  if (!place.inventory() || through.empty()) return;
  const Target& target = fault.target;
  if (is_of_service(through)) check_services_reach(place, kind, target);
  const auto node = place.known.inventory->nodes.find(target.node);
  if (node == place.known.inventory->nodes.end() || !node->second.offer.reach) return;
  const FaultReach& reach = *node->second.offer.reach;
  if (target.is_node()) check_node_reach(place, kind, reach, target.node);
  const bool known_link = target.is_link() && node->second.links.contains(target.link);
  if (known_link && through == "http") check_link_reach(place, reach, target);
  if (through == "directories") check_path_reach(place, reach, fault);
}

void check_fault(const Place& place, const ScenarioFault& fault, const nlohmann::json& document) {
  if (const FaultKindSpec* kind = find_fault_kind(fault.kind)) {
    check_kind(place, *kind, fault);
    check_reach(place, *kind, fault);
  } else if (!fault.kind.empty()) {
    place.problems.add(place.at("kind"), cat("unknown kind `", fault.kind, "`",
                                             did_you_mean(fault.kind, fault_kind_names()),
                                             "; `panshi fault kinds` lists all"));
  }
  const nlohmann::json::json_pointer service("/target/service");
  const bool any_of = document.contains(service) && document.at(service).is_object();
  check_target({place.known, place.at("target"), place.problems}, fault.target, any_of);
}

void check_expectation(const Place& place, const Expectation& expectation) {
  check_name(place, "breach", expectation.breach, place.known.rules, place.at("breach"));
  check_name(place, "runbook", expectation.run, place.known.runbooks, place.at("run"));
  check_comparison(place, expectation.signal);
}

}  // namespace

std::string unknown_name(std::string_view what, std::string_view typed,
                         const std::vector<std::string>& known) {
  return cat("unknown ", what, " `", typed, "`", did_you_mean(typed, known),
             "; known: ", known.empty() ? "none" : join(known, ", "));
}

void check_scenario_fault(const ScenarioFault& fault, const nlohmann::json& document,
                          const Known& known, const std::string& path, Problems& problems) {
  check_fault({known, path, problems}, fault, document);
}

namespace {

// At its time the fault would be refused, with others in force already.
void check_targets_max(const Scenario& scenario, Problems& problems) {
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const Duration at = scenario.faults[i].at;
    std::set<std::string> broken;
    for (std::size_t j = 0; j < scenario.faults.size(); ++j) {
      const ScenarioFault& other = scenario.faults[j];
      // One that ends at that moment has yet to be reverted.
      if (other.at > at || at > other.at + other.term) continue;
      const bool drawn = other.target.services.size() > 1;  // draws take one each
      broken.insert(drawn ? cat("draw ", j) : other.target.text());
    }
    if (static_cast<std::int64_t>(broken.size()) <= scenario.targets_max) continue;
    problems.add(cat("faults[", i, "].at"),
                 cat("would break ", broken.size(), " targets at once, limits.targets_max is ",
                     scenario.targets_max));
    return;
  }
}

}  // namespace

void check_scenario(const Scenario& scenario, const Known& known, Problems& problems) {
  const nlohmann::json none;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const nlohmann::json::json_pointer at(cat("/faults/", i));
    const bool present = scenario.document.contains(at);
    check_fault({known, cat("faults[", i, "]"), problems}, scenario.faults[i],
                present ? scenario.document.at(at) : none);
  }
  for (std::size_t i = 0; i < scenario.steady.size(); ++i) {
    check_comparison({known, cat("steady_state.checks[", i, "]"), problems}, scenario.steady[i]);
  }
  for (std::size_t i = 0; i < scenario.expect.size(); ++i) {
    check_expectation({known, cat("expect[", i, "]"), problems}, scenario.expect[i]);
  }
  for (std::size_t i = 0; i < scenario.abort_if.size(); ++i) {
    check_comparison({known, cat("abort_if[", i, "]"), problems}, scenario.abort_if[i]);
  }
  const Draws draws = draws_of(scenario);
  if (!can_be_distinct(draws.choices, draws.named)) {
    problems.add("faults",
                 "are drawn from too few services: each `any_of` must be able to take one "
                 "that no other fault has");
  }
  if (problems.empty()) check_targets_max(scenario, problems);
  if (!scenario.audit) return;
  const Place place{known, "audit", problems};
  if (const InventoryNode* node = check_node(place, scenario.audit->node)) {
    check_name(place, cat("program of ", node->name), scenario.audit->program, &node->programs,
               place.at("program"));
  }
}

void check_rules(const std::vector<Rule>& rules, const Known& known, Problems& problems) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    check_comparison({known, cat("rules[", i, "]"), problems}, rules[i].when);
    check_target({known, cat("rules[", i, "].target"), problems}, rules[i].target, false);
  }
}

void check_runbook(const Runbook& runbook, const Known& known, Problems& problems) {
  check_name({known, "", problems}, "breach", runbook.breach, known.rules, "trigger.breach");
  for (std::size_t i = 0; i < runbook.steps.size(); ++i) {
    const Step& step = runbook.steps[i];
    if (step.action) step.action->check({known, cat("steps[", i, "].", step.kind->name), problems});
  }
}

void check_drill_days(const std::vector<DrillDay>& days, const Known& known, Problems& problems) {
  for (std::size_t i = 0; i < days.size(); ++i) {
    for (std::size_t j = 0; j < days[i].scenarios.size(); ++j) {
      check_name({known, "", problems}, "scenario", days[i].scenarios[j], known.scenarios,
                 cat("drill_days[", i, "].scenarios[", j, "]"));
    }
  }
}

Result<Scenario> scenario_from_json(const nlohmann::json& json, const Catalog& catalog) {
  Problems problems;
  Scenario scenario = read_scenario(json, problems);
  std::vector<std::string> rules;
  std::vector<std::string> runbooks;
  for (const auto& [name, rule] : catalog.rules) rules.push_back(name);
  for (const auto& [name, runbook] : catalog.runbooks) runbooks.push_back(name);
  check_scenario(scenario, {&catalog.inventory, &rules, &runbooks, nullptr}, problems);
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  return scenario;
}

}  // namespace panshi
