// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/view.h"

#include <set>

#include "controller/events/event_data.h"
#include "controller/incidents/incidents.h"
#include "controller/scheduler/scheduler.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using Json = nlohmann::json;

Json time_json(const std::optional<WallTime>& time) { return time ? Json(to_us(*time)) : Json(); }

// What of it could not be undone is news to whoever looks, although it is over.
std::string reason_of(const FaultFacts& fault) {
  const std::string left = text_of(fault.measured, "left");
  if (fault.leftover && !fault.ended() && fault.reason.empty()) return "nobody here ordered it";
  if (left.empty()) return fault.reason;
  return cat(fault.reason, "; not everything could be given back: ", left);
}

Json fault_json(const FaultFacts& fault) {
  return {{"id", fault.id},
          {"kind", fault.kind},
          {"node", fault.node},
          {"target", fault.target},
          {"params", fault.params},
          {"drill", fault.drill},
          {"state", fault_state_word(fault.state)},
          {"lost", fault.lost},
          {"leftover", fault.leftover},
          {"stuck", fault.stuck},
          {"ending", fault.revert_asked && !fault.ended()},
          {"not_now", fault.not_now},
          {"revert_error", fault.ended() ? "" : fault.revert_why},
          {"for_ms", fault.term / std::chrono::milliseconds(1)},
          {"live_us", time_json(fault.live_at)},
          {"ended_us", time_json(fault.ended_at)},
          {"reason", reason_of(fault)}};
}

Json expectations_json(const DrillFacts& drill) {
  Json list = Json::array();
  for (std::size_t i = 0; i < drill.expectations.size(); ++i) {
    const ExpectationFacts& facts = drill.expectations[i];
    Json ok;
    if (facts.answer == Answer::kYes) ok = true;
    if (facts.answer == Answer::kNo) ok = false;
    list.push_back({{"text", drill.scenario.expect[i].text()},
                    {"ok", std::move(ok)},
                    {"pending", facts.answer == Answer::kPending},
                    {"observed", facts.observed}});
  }
  return list;
}

// What the drill itself went through.
Json stages_json(const DrillFacts& drill) {
  Json list = Json::array();
  for (const auto& [name, at] : drill.phases)
    list.push_back({{"name", name}, {"at_us", to_us(at)}});
  return list;
}

// The audit as it was printed; before it, null.
Json audit_json(const DrillFacts& drill) {
  if (drill.audit.is_null()) return Json();
  Json audit = drill.audit.value("audit", Json());
  if (!audit.is_object()) audit = Json::object();
  audit["verdict"] = drill.audit.value("verdict", "unknown");
  return audit;
}

Json drill_json(const State& state, const DrillFacts& drill) {
  Json faults = Json::array();
  Json incidents = Json::array();
  Json runs = Json::array();
  for (const auto& [id, fault] : state.faults) {
    if (fault.drill == drill.id) faults.push_back(fault_json(fault));
  }
  for (const auto& [id, incident] : state.incidents) {
    if (incident.drill == drill.id) incidents.push_back(id);
  }
  for (const auto& [id, run] : state.runs) {
    if (run.drill == drill.id) runs.push_back(id);
  }
  std::vector<std::string> whys = drill.whys;
  if (whys.empty() && drill.aborting) whys.push_back(drill.abort_why);
  return {{"id", drill.id},
          {"scenario", drill.scenario.name},
          {"title", drill.scenario.title},
          {"seed", drill.seed},
          {"phase", drill.phase},
          {"verdict", drill.active() ? Json() : Json(drill.verdict)},
          {"aborted", drill.active() ? drill.aborting : drill.aborted},
          {"why", whys},
          {"started_by", drill.why},
          {"started_us", to_us(drill.started_at)},
          {"ended_us", time_json(drill.ended_at)},
          {"faults", std::move(faults)},
          {"expectations", expectations_json(drill)},
          {"incidents", std::move(incidents)},
          {"runs", std::move(runs)},
          {"audit", audit_json(drill)},
          {"stages", stages_json(drill)},
          {"phases", phases_json(drill.failover)}};
}

Json incident_json(const State& state, const IncidentFacts& incident, Json waits) {
  Json breaches = Json::array();
  for (const std::string& id : incident.breaches) {
    const auto found = state.breaches.find(id);
    if (found == state.breaches.end()) continue;
    const BreachFacts& breach = found->second;
    breaches.push_back({{"id", id},
                        {"rule", breach.rule},
                        {"opened_us", to_us(breach.opened_at)},
                        {"cleared_us", time_json(breach.cleared_at)},
                        {"refused", breach.refused}});
  }
  return {{"id", incident.id},
          {"rule", incident.rule},
          {"title", incident.title},
          {"target", incident.target},
          {"drill", incident.drill},
          {"state", incident.closed_at ? "closed" : "open"},
          {"breaches", std::move(breaches)},
          {"faults", incident.faults},
          {"opened_us", to_us(incident.opened_at)},
          {"slo_met_us", time_json(incident.slo_met_at)},
          {"redundancy_us", time_json(incident.redundancy_at)},
          {"closed_us", time_json(incident.closed_at)},
          {"closed_why", incident.closed_why},
          {"waits_for", std::move(waits)},
          {"acked_by", incident.acked_by}};
}

Json run_json(const RunFacts& run) {
  Json steps = Json::array();
  for (const StepFacts& step : run.steps) {
    steps.push_back({{"step", step.index},
                     {"name", step.name},
                     {"kind", step.kind},
                     {"attempt", step.attempt},
                     {"outcome", step.outcome.empty() ? Json() : Json(step.outcome)},
                     {"detail", step.detail},
                     {"started_us", to_us(step.started_at)},
                     {"done_us", time_json(step.done_at)}});
  }
  return {{"id", run.id},
          {"runbook", run.runbook},
          {"breach", run.breach},
          {"incident", run.incident},
          {"drill", run.drill},
          {"dry_run", run.dry_run},
          {"outcome", run.active() ? Json() : Json(run.outcome)},
          {"why", run.why},
          {"started_us", to_us(run.started_at)},
          {"ended_us", time_json(run.ended_at)},
          {"steps", std::move(steps)}};
}

Json agents_json(const Catalog& catalog, const State& state, const Memory& memory) {
  Json agents = Json::object();
  for (const auto& [name, node] : catalog.inventory.nodes) {
    const auto facts = state.agents.find(name);
    const bool known = facts != state.agents.end();
    const bool up = known && facts->second.up;
    const auto trouble = memory.trouble.find(name);
    std::string why;
    if (!up && known) why = facts->second.why;
    if (!up && trouble != memory.trouble.end()) why = trouble->second;
    if (!up && why.empty()) why = "no word yet since the controller started";
    const auto lacks = memory.lacks.find(name);
    const auto services = memory.services.find(name);
    agents[name] = {
        {"node", name},
        {"url", node.url},
        {"up", up},
        {"why", std::move(why)},
        {"lacks", lacks == memory.lacks.end() ? Json() : lacks->second},
        {"start_id", known ? facts->second.start_id : ""},
        {"services", services == memory.services.end() ? Json::array() : services->second}};
  }
  return agents;
}

Json rules_json(const Catalog& catalog, const State& state, const Memory& memory, WallTime now) {
  Json rules = Json::array();
  for (const auto& [name, rule] : catalog.rules) {
    const Observation seen = memory.samples.observe(rule.when, now);
    Json breach;
    for (const auto& [id, facts] : state.breaches) {
      if (facts.rule == name && !facts.cleared_at) breach = id;
    }
    rules.push_back({{"name", name},
                     {"title", rule.title},
                     {"text", rule.when.text()},
                     {"target", to_json(rule.target)},
                     {"severity", rule.severity},
                     {"breach", std::move(breach)},
                     {"data", seen.truth != Truth::kNoData},
                     {"value", seen.truth == Truth::kNoData ? Json() : Json(seen.value)}});
  }
  return rules;
}

Json runbooks_json(const Catalog& catalog) {
  Json runbooks = Json::array();
  for (const auto& [name, runbook] : catalog.runbooks) {
    Json steps = Json::array();
    for (const Step& step : runbook.steps) {
      steps.push_back(
          {{"name", step.name}, {"kind", step.kind->name}, {"text", step.action->text()}});
    }
    runbooks.push_back({{"name", name},
                        {"title", runbook.title},
                        {"breach", runbook.breach},
                        {"steps", std::move(steps)}});
  }
  return runbooks;
}

Json schedule_json(const Catalog& catalog, const State& state, const Memory& memory, WallTime now) {
  Json days = Json::array();
  for (const DrillDay& day : catalog.drill_days) {
    const auto due = next_due_of(state, day, now);
    Json entry = {{"name", day.name},
                  {"zone", day.zone},
                  {"scenarios", day.scenarios},
                  {"enabled", day.enabled},
                  {"next_due_us", time_json(due)}};
    if (due) entry["seed"] = seed_of(day, *due);
    const auto facts = state.drill_days.find(day.name);
    if (facts != state.drill_days.end() && !facts->second.handled.empty()) {
      entry["last_due_us"] = to_us(facts->second.handled.rbegin()->first);
    }
    entry["missed"] = Json();
    if (facts != state.drill_days.end() && facts->second.missed) {
      entry["missed"] = {{"due_us", to_us(*facts->second.missed)},
                         {"why", facts->second.missed_why}};
    }
    const auto held = memory.held.find(day.name);
    entry["held"] = held == memory.held.end() ? "" : held->second.why;
    days.push_back(std::move(entry));
  }
  return days;
}

void add_watch(Json& list, std::set<std::string>& seen, const Comparison& comparison,
               const std::string& node) {
  if (!comparison.node.empty() && comparison.node != node) return;
  const Json watch = {
      {"signal", comparison.signal}, {"is", comparison.is}, {"value", comparison.value}};
  if (seen.insert(dump_json(watch)).second) list.push_back(watch);
}

// Also when its agent has said that it has none: it may have lost what it knew of one.
std::string fault_in_doubt(const State& state, const std::string& node) {
  for (const auto& [id, fault] : state.faults) {
    if (fault.node != node || fault.ended()) continue;
    return cat("fault ", id, " is not known to be over", fault.reason.empty() ? "" : ": ",
               fault.reason);
  }
  return {};
}

// Of a halt: who has not said that every fault of it is reverted, and why.
Json unconfirmed_json(const Catalog& catalog, const State& state) {
  Json list = Json::array();
  if (!state.halted) return list;
  for (const auto& [name, node] : catalog.inventory.nodes) {
    const auto found = state.halt_nodes.find(name);
    const bool known = found != state.halt_nodes.end();
    const bool confirmed = known && found->second.confirmed;
    std::string why = confirmed ? fault_in_doubt(state, name) : known ? found->second.why : "";
    if (confirmed && why.empty()) continue;
    const auto agent = state.agents.find(name);
    if (why.empty() && agent != state.agents.end() && agent->second.down) {
      why = cat("its agent is down: ", agent->second.why);
    }
    list.push_back({{"node", name}, {"why", why.empty() ? "no answer yet" : why}});
  }
  std::set<std::string> strangers;
  for (const auto& [id, fault] : state.faults) {
    if (fault.ended() || catalog.inventory.nodes.contains(fault.node)) continue;
    if (!strangers.insert(fault.node).second) continue;
    list.push_back(
        {{"node", fault.node},
         {"why", cat("it is not in the inventory, and fault ", id, " may be in force there")}});
  }
  return list;
}

}  // namespace

Json view_of(const Catalog& catalog, const State& state, const Memory& memory, WallTime now) {
  const DrillFacts* active = state.active_drill();
  Json view = {{"epoch", state.epoch},
               {"halted", state.halted},
               {"halt_reason", state.halt_reason},
               {"halt_unconfirmed", unconfirmed_json(catalog, state)},
               {"doubt", state.doubt},
               {"drill", active ? Json(active->id) : Json()}};
  std::int64_t open = 0;
  for (const char* key : {"drills", "incidents", "runs", "faults"}) view[key] = Json::object();
  for (const auto& [id, drill] : state.drills) view["drills"][id] = drill_json(state, drill);
  for (const auto& [id, incident] : state.incidents) {
    open += incident.closed_at ? 0 : 1;
    view["incidents"][id] =
        incident_json(state, incident, waits_for(catalog, state, memory, now, incident));
  }
  for (const auto& [id, run] : state.runs) view["runs"][id] = run_json(run);
  for (const auto& [id, fault] : state.faults) view["faults"][id] = fault_json(fault);
  view["open_incidents"] = open;
  view["agents"] = agents_json(catalog, state, memory);
  view["rules"] = rules_json(catalog, state, memory, now);
  view["runbooks"] = runbooks_json(catalog);
  view["schedule"] = schedule_json(catalog, state, memory, now);
  return view;
}

std::vector<std::string> renewable(const State& state, const std::string& node) {
  std::vector<std::string> ids;
  for (const auto& [id, fault] : state.faults) {
    const bool in_force = fault.state == FaultState::kLive || fault.state == FaultState::kIntended;
    if (fault.node == node && in_force && !fault.revert_asked && !state.halted) ids.push_back(id);
  }
  return ids;
}

Json watched(const Catalog& catalog, const State& state, const std::string& node) {
  Json list = Json::array();
  std::set<std::string> seen;
  for (const auto& [name, rule] : catalog.rules) {
    add_watch(list, seen, rule.when, node);
    add_watch(list, seen, rule.clear, node);
  }
  if (const DrillFacts* drill = state.active_drill()) {
    for (const Comparison& check : drill->scenario.steady) add_watch(list, seen, check, node);
    for (const Comparison& check : drill->scenario.abort_if) add_watch(list, seen, check, node);
    for (const Expectation& expected : drill->scenario.expect) {
      const bool by_signal = expected.kind == Expectation::Kind::kSignal;
      if (by_signal) add_watch(list, seen, expected.signal, node);
    }
  }
  for (const auto& [id, run] : state.runs) {
    const auto runbook = catalog.runbooks.find(run.runbook);
    if (!run.active() || runbook == catalog.runbooks.end()) continue;
    if (run.step >= runbook->second.steps.size()) continue;
    const Comparison* const awaited = runbook->second.steps[run.step].action->waits_for();
    if (awaited) add_watch(list, seen, *awaited, node);
  }
  return list;
}

}  // namespace panshi::controller
