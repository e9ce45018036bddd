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

void clear_breach(Context& context, const BreachFacts& breach, const std::string& why) {
  context.emit("breach.cleared", {{"breach", breach.id}, {"rule", breach.rule}, {"why", why}},
               {breach.drill, breach.incident, "", ""});
}

// A rule that was deleted while it fired can neither clear nor be met again.
void clear_orphans(Context& context) {
  std::vector<BreachFacts> orphans;
  for (const auto& [id, breach] : context.state.breaches) {
    if (!breach.cleared_at && !context.catalog.rules.contains(breach.rule)) {
      orphans.push_back(breach);
    }
  }
  for (const BreachFacts& breach : orphans) {
    clear_breach(context, breach, cat("rule ", breach.rule, " was deleted while it fired"));
  }
}

// Why it is closed although nobody saw it well again; empty when its rules are there to tell.
std::string why_given_up(const Context& context, const IncidentFacts& incident) {
  std::string why;
  for (const std::string& id : incident.breaches) {
    const auto breach = context.state.breaches.find(id);
    if (breach == context.state.breaches.end()) continue;
    if (context.catalog.rules.contains(breach->second.rule)) return {};
    if (why.empty()) why = breach->second.given_up;
  }
  return why;
}

// Open or closed: one that a person closed stays so.
bool has_an_incident(const State& state, const std::string& fault) {
  return std::any_of(state.incidents.begin(), state.incidents.end(), [&](const auto& each) {
    const auto& faults = each.second.faults;
    return std::find(faults.begin(), faults.end(), fault) != faults.end();
  });
}

std::string title_of(const FaultFacts& first, const std::vector<std::string>& ids) {
  const std::string all = join(ids, ", ");
  if (first.lost) return cat("agent ", first.node, " lost the undo of ", all);
  if (first.stuck) return cat("agent ", first.node, " cannot revert ", all, ": ", first.stuck_why);
  return cat("agent ", first.node, " was lost while it ",
             first.live_at ? "had in force: " : "may have in force: ", all);
}

// One incident for each node whose faults in force nobody can see any more, or cannot end.
void open_for_unended_faults(Context& context) {
  std::map<std::string, std::vector<FaultFacts>> unended;
  for (const auto& [id, fault] : context.state.faults) {
    const auto agent = context.state.agents.find(fault.node);
    const bool down = agent != context.state.agents.end() && agent->second.down;
    const bool may_be_in_force = fault.live_at || (down && fault.state == FaultState::kUnknown);
    if (fault.ended() || !may_be_in_force || (!down && !fault.lost && !fault.stuck)) continue;
    if (!has_an_incident(context.state, id)) unended[fault.node].push_back(fault);
  }
  for (const auto& [node, faults] : unended) {
    std::vector<std::string> ids;
    for (const FaultFacts& fault : faults) ids.push_back(fault.id);
    const std::string title = title_of(faults.front(), ids);
    const std::string id = cat("i-", context.state.counters.incident + 1);
    const Owner owner{faults.front().drill, id, "", ""};
    context.emit("incident.opened",
                 {{"rule", ""},
                  {"breach", ""},
                  {"title", title},
                  {"target", cat("agent ", node)},
                  {"faults", ids}},
                 owner);
    Effect page;
    page.kind = "notify";
    page.body = {
        {"channel", "log"}, {"message", cat("incident ", id, ": ", title)}, {"page", true}};
    page.timeout = context.catalog.settings.effect_timeout;
    context.intend(std::move(page), owner);
  }
}

bool all_ended(const State& state, const IncidentFacts& incident) {
  return std::all_of(incident.faults.begin(), incident.faults.end(), [&](const auto& id) {
    const auto fault = state.faults.find(id);
    return fault == state.faults.end() || fault->second.ended();
  });
}

void close(Context& context, const IncidentFacts& incident, const std::string& why) {
  context.emit("incident.closed",
               {{"why", why}, {"duration_us", (context.now - incident.opened_at).count()}},
               {incident.drill, incident.id, "", ""});
}

}  // namespace

void close_by_hand(Context& context, const std::string& id, const std::string& why) {
  const IncidentFacts incident = context.state.incidents.at(id);
  for (const std::string& each : incident.breaches) {
    const auto breach = context.state.breaches.find(each);
    const bool is_open = breach != context.state.breaches.end() && !breach->second.cleared_at;
    if (is_open) clear_breach(context, BreachFacts(breach->second), why);
  }
  close(context, incident, why);
}

void advance_incidents(Context& context) {
  clear_orphans(context);
  open_for_unended_faults(context);
  std::vector<std::string> open;
  for (const auto& [id, incident] : context.state.incidents) {
    if (!incident.closed_at) open.push_back(id);
  }
  for (const std::string& id : open) {
    const IncidentFacts& incident = context.state.incidents.at(id);
    const Owner owner{incident.drill, id, "", ""};
    if (const std::string why = why_given_up(context, incident); !why.empty()) {
      close(context, incident, why);
      continue;
    }
    if (!all_cleared(context.state, incident) || !all_ended(context.state, incident)) continue;
    if (incident.breaches.empty() && !incident.faults.empty()) {
      close(context, incident, "every fault of it is known to be over");
      continue;
    }
    if (!incident.slo_met_at && steady_again(context, incident)) {
      state_slo_met(context, incident, owner);
    }
    if (incident.slo_met_at && !incident.redundancy_at && redundant_again(context)) {
      context.emit("redundancy.back", {{"incident", id}}, owner);
    }
    if (incident.slo_met_at && incident.redundancy_at) {
      close(context, incident, "every breach is cleared, every service is ready, no fault is live");
    }
  }
}

}  // namespace panshi::controller
