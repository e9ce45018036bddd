// SPDX-License-Identifier: Apache-2.0
#include "controller/incidents/incidents.h"

#include <algorithm>

#include "controller/events/event_data.h"
#include "controller/world/leftovers.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using Waits = std::vector<std::string>;

struct Seen {  // what is known of the world
  const Catalog& catalog;
  const State& state;
  const Memory& memory;
  WallTime now;

  bool holds(const Comparison& check) const {
    return memory.samples.observe(check, now).truth == Truth::kTrue;
  }
};
Seen seen_in(const Context& context) {
  return {context.catalog, context.state, context.memory, context.now};
}

Waits open_breaches(const Seen& seen, const IncidentFacts& incident) {
  Waits waits;
  for (const std::string& id : incident.breaches) {
    const auto breach = seen.state.breaches.find(id);
    if (breach == seen.state.breaches.end() || breach->second.cleared_at) continue;
    const auto rule = seen.catalog.rules.find(breach->second.rule);
    waits.push_back(cat("rule ", breach->second.rule, " clears",
                        rule == seen.catalog.rules.end() ? "" : ": " + rule->second.clear.text()));
  }
  return waits;
}

std::string still_in_force(const FaultFacts& fault) {
  return cat("fault ", fault.id, " on ", fault.node, " is over",
             fault.lost                 ? ": its agent lost it, look and `panshi fault close` it"
             : fault.revert_why.empty() ? ""
                                        : ": " + fault.revert_why);
}

Waits open_faults(const Seen& seen, const IncidentFacts& incident) {
  Waits waits;
  for (const std::string& id : incident.faults) {
    const auto fault = seen.state.faults.find(id);
    const bool is_open = fault != seen.state.faults.end() && !fault->second.ended();
    if (is_open) waits.push_back(still_in_force(fault->second));
  }
  return waits;
}

// The drill's own definition of well; no drill, or one that is over, asks for nothing more.
Waits not_steady(const Seen& seen, const IncidentFacts& incident) {
  Waits waits;
  const auto drill = seen.state.drills.find(incident.drill);
  if (drill == seen.state.drills.end() || !drill->second.active()) return waits;
  for (const Comparison& check : drill->second.scenario.steady) {
    if (!seen.holds(check)) waits.push_back(cat("the drill is steady: ", check.text()));
  }
  return waits;
}

// What its agent has said of it: ": it was given up (5 restarts), …".
std::string why_not_up(const Seen& seen, const std::string& node, const std::string& service) {
  const auto agent = seen.state.agents.find(node);
  if (agent == seen.state.agents.end() || !agent->second.up) return ": its agent is down";
  const auto services = seen.memory.services.find(node);
  if (services == seen.memory.services.end()) return {};
  for (const auto& each : services->second) {
    if (text_of(each, "name") != service) continue;
    const bool gave_up = text_of(each, "state") == "gave_up";
    const std::string why = text_of(each, "why");
    return cat(gave_up ? ": it was given up" : ": it is " + text_of(each, "state"),
               why.empty() ? "" : cat(" (", why, ")"),
               gave_up ? ", and stays down until a runbook's step `restart` starts it" : "");
  }
  return {};
}

// Of the whole: an incident is over when what it may have cost is back everywhere. Of a node that
// nothing of it touches and that is lost nobody knows whether it is.
Waits not_redundant(const Seen& seen, const IncidentFacts& incident) {
  Waits waits;
  for (const auto& [service, mark] : seen.state.marks) {
    waits.push_back(cat("service ", service, " is marked ok: it is marked ", mark));
  }
  const std::set<std::string> nodes = nodes_of(seen.catalog, seen.state, incident);
  for (const auto& [id, fault] : seen.state.faults) {
    const bool counts = !fault.leftover || nodes.contains(fault.node);
    if (!fault.ended() && counts) waits.push_back(still_in_force(fault));
  }
  for (const std::string& service : seen.catalog.inventory.services()) {
    Comparison up;
    up.signal = service + ".up";
    up.is = "==";
    up.value = 1;
    if (seen.holds(up)) continue;
    const std::string node = seen.catalog.inventory.node_of_service(service).value_or("");
    const auto agent = seen.state.agents.find(node);
    const bool lost = agent != seen.state.agents.end() && agent->second.down;
    if (lost && !nodes.contains(node)) continue;
    waits.push_back(
        cat("service ", service, " of ", node, " is well", why_not_up(seen, node, service)));
  }
  return waits;
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

// Nobody is paged again and again for what a node makes up: there is one at a time for them.
bool has_one_for_leftovers(const State& state, const std::string& node) {
  return std::any_of(state.incidents.begin(), state.incidents.end(), [&](const auto& each) {
    const IncidentFacts& incident = each.second;
    return !incident.closed_at && incident.target == "agent " + node &&
           is_elsewhere(state, incident, {});
  });
}

// One incident for each node whose faults in force nobody can see any more, or cannot end.
void open_for_unended_faults(Context& context) {
  std::map<std::string, std::vector<FaultFacts>> unended;
  for (const auto& [id, fault] : context.state.faults) {
    const auto agent = context.state.agents.find(fault.node);
    const bool down = agent != context.state.agents.end() && agent->second.down;
    const bool may_be_in_force = fault.live_at || (down && fault.state == FaultState::kUnknown);
    if (fault.ended() || !may_be_in_force || (!down && !fault.lost && !fault.stuck)) continue;
    if (has_an_incident(context.state, id)) continue;
    if (fault.leftover && has_one_for_leftovers(context.state, fault.node)) continue;
    unended[fault.node].push_back(fault);
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
    page.kind = EffectKind::kNotify;
    page.body = {
        {"channel", "log"}, {"message", cat("incident ", id, ": ", title)}, {"page", true}};
    page.timeout = context.catalog.settings.effect_timeout;
    context.intend(std::move(page), owner);
  }
}

void close(Context& context, const IncidentFacts& incident, const std::string& why) {
  context.emit("incident.closed",
               {{"why", why}, {"duration_us", (context.now - incident.opened_at).count()}},
               {incident.drill, incident.id, "", ""});
}

}  // namespace

Waits waits_for(const Catalog& catalog, const State& state, const Memory& memory, WallTime now,
                const IncidentFacts& incident) {
  if (incident.closed_at) return {};
  const Seen seen{catalog, state, memory, now};
  Waits waits = open_breaches(seen, incident);
  const Waits faults = open_faults(seen, incident);
  waits.insert(waits.end(), faults.begin(), faults.end());
  if (!waits.empty() || incident.breaches.empty()) return waits;  // the rest comes after it
  if (!incident.slo_met_at) waits = not_steady(seen, incident);
  const Waits lacks = incident.redundancy_at ? Waits() : not_redundant(seen, incident);
  waits.insert(waits.end(), lacks.begin(), lacks.end());
  return waits;
}

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
    const Seen seen = seen_in(context);
    if (!open_breaches(seen, incident).empty() || !open_faults(seen, incident).empty()) continue;
    if (incident.breaches.empty() && !incident.faults.empty()) {
      close(context, incident, "every fault of it is known to be over");
      continue;
    }
    if (!incident.slo_met_at && not_steady(seen, incident).empty()) {
      state_slo_met(context, incident, owner);
    }
    if (incident.slo_met_at && !incident.redundancy_at && not_redundant(seen, incident).empty()) {
      context.emit("redundancy.back", {{"incident", id}}, owner);
    }
    if (incident.slo_met_at && incident.redundancy_at) {
      close(context, incident, "every breach is cleared, every service is ready, no fault is live");
    }
  }
}

}  // namespace panshi::controller
