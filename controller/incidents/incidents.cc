// SPDX-License-Identifier: Apache-2.0
#include "controller/incidents/incidents.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::controller {
namespace {

bool all_cleared(const State& state, const IncidentFacts& incident) {
  return std::all_of(incident.breaches.begin(), incident.breaches.end(), [&](const auto& id) {
    const auto breach = state.breaches.find(id);
    return breach == state.breaches.end() || breach->second.cleared_at.has_value();
  });
}

// The drill's own definition of well; no drill, or one that is over, asks for nothing more.
bool steady_again(const Context& context, const IncidentFacts& incident) {
  const auto drill = context.state.drills.find(incident.drill);
  if (drill == context.state.drills.end() || !drill->second.active()) return true;
  const auto& checks = drill->second.scenario.steady;
  return std::all_of(checks.begin(), checks.end(), [&](const Comparison& check) {
    return context.memory.samples.observe(check, context.now).truth == Truth::kTrue;
  });
}

bool redundant_again(const Context& context) {
  const State& state = context.state;
  if (!state.marks.empty()) return false;
  for (const auto& [id, fault] : state.faults) {
    if (!fault.ended()) return false;
  }
  const auto services = context.catalog.inventory.services();
  return std::all_of(services.begin(), services.end(), [&](const std::string& service) {
    Comparison up;
    up.signal = service + ".up";
    up.is = "==";
    up.value = 1;
    return context.memory.samples.observe(up, context.now).truth == Truth::kTrue;
  });
}

void state_slo_met(Context& context, const IncidentFacts& incident, const Owner& owner) {
  const auto rule = context.catalog.rules.find(incident.rule);
  nlohmann::json data = {{"rule", incident.rule}};
  if (rule != context.catalog.rules.end()) {
    const Observation seen = context.memory.samples.observe(rule->second.when, context.now);
    data["signal"] = rule->second.when.signal;
    if (seen.truth != Truth::kNoData) data["value"] = seen.value;
  }
  context.emit("slo.met", std::move(data), owner);
}

}  // namespace

void advance_incidents(Context& context) {
  std::vector<std::string> open;
  for (const auto& [id, incident] : context.state.incidents) {
    if (!incident.closed_at) open.push_back(id);
  }
  for (const std::string& id : open) {
    const IncidentFacts& incident = context.state.incidents.at(id);
    const Owner owner{incident.drill, id, "", ""};
    if (!all_cleared(context.state, incident)) continue;
    if (!incident.slo_met_at && steady_again(context, incident)) {
      state_slo_met(context, incident, owner);
    }
    if (incident.slo_met_at && !incident.redundancy_at && redundant_again(context)) {
      context.emit("redundancy.back", {{"incident", id}}, owner);
    }
    if (incident.slo_met_at && incident.redundancy_at) {
      context.emit("incident.closed",
                   {{"why", "every breach is cleared, every service is ready, no fault is live"},
                    {"duration_us", (context.now - incident.opened_at).count()}},
                   owner);
    }
  }
}

}  // namespace panshi::controller
