// SPDX-License-Identifier: Apache-2.0
#include "controller/drills/drills.h"

#include <algorithm>
#include <set>

#include "controller/drills/draw.h"
#include "controller/drills/parts.h"
#include "controller/events/named_signals.h"
#include "controller/world/faults.h"
#include "controller/world/leftovers.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

bool all_faults_ended(const State& state, const DrillFacts& drill) {
  const auto faults = faults_of(state, drill);
  return std::all_of(faults.begin(), faults.end(),
                     [](const FaultFacts* fault) { return fault->ended(); });
}

bool run_is_active(const State& state, const DrillFacts& drill) {
  return std::any_of(state.runs.begin(), state.runs.end(), [&](const auto& item) {
    return item.second.drill == drill.id && item.second.active();
  });
}

// How far each series that the report may show had come, as [{signal, node, through_us}]: what a
// report of the drill shows ends there, however much of that time is heard of later.
nlohmann::json samples_of(const Context& context, const DrillFacts& drill) {
  const std::vector<std::string> named = signals_named(drill.scenario.document);
  std::set<std::string> signals(kCustomerSignals.begin(), kCustomerSignals.end());
  signals.insert(named.begin(), named.end());
  for (const auto& [id, breach] : context.state.breaches) {
    if (breach.opened_at >= drill.started_at || breach.drill == drill.id) {
      signals.insert(breach.signal);
    }
  }
  nlohmann::json series = nlohmann::json::array();
  for (const std::string& signal : signals) {
    for (const auto& [node, at] : context.memory.samples.newest_by_node(signal)) {
      series.push_back({{"signal", signal}, {"node", node}, {"through_us", to_us(at)}});
    }
  }
  return series;
}

void finish(Context& context, const DrillFacts& facts) {
  const DrillFacts drill = facts;
  const Verdict verdict = verdict_of(context.state, drill);
  context.memory.drills.erase(drill.id);
  enter_phase(context, drill, "done");
  context.emit("drill.done",
               {{"verdict", verdict.word},
                {"aborted", drill.aborting},
                {"why", verdict.why},
                {"seed", drill.seed},
                {"samples", samples_of(context, drill)}},
               owner_of(drill));
  Effect report;
  report.kind = EffectKind::kReport;
  report.body = {{"drill", drill.id}};
  report.timeout = 60s;
  context.intend(std::move(report), owner_of(drill));
}

// Breaking what is already ill would blur both: what the drill shows and what is being healed.
void check_no_incident(const Context& context, const DrillFacts& drill, SteadyChecks& steady) {
  std::set<std::string> nodes = nodes_of(context.catalog.inventory, drill.targets);
  if (drill.scenario.audit) nodes.insert(drill.scenario.audit->node);
  std::vector<std::string> open;
  for (const auto& [id, incident] : context.state.incidents) {
    const bool counts = !is_elsewhere(context.state, incident, nodes);
    if (!incident.closed_at && counts) open.push_back(id);
  }
  steady.add("no incident is open", join(open, ", "), open.empty());
}

// A brake that nobody presses is none: each stop condition must have data before anything breaks.
void check_brakes(const Context& context, const DrillFacts& drill, SteadyChecks& steady) {
  for (const Comparison& condition : drill.scenario.abort_if) {
    const Samples& samples = context.memory.samples;
    const bool fed = samples.observe(condition, context.now).truth != Truth::kNoData;
    std::string observed = "data";
    if (!fed) observed = "no data";
    if (!fed && !samples.was_fed(condition)) {
      observed = cat("no agent has sent it", did_you_mean(condition.signal, samples.signals()));
    }
    steady.add(cat("abort_if can see ", condition.signal), observed, fed);
  }
}

void advance_steady(Context& context, const DrillFacts& drill) {
  SteadyChecks steady = check_steady(context, drill, WallTime::min());
  check_no_incident(context, drill, steady);
  check_brakes(context, drill, steady);
  const WallTime deadline = drill.phase_at + drill.scenario.steady_within;
  if (!steady.ok && context.now < deadline) return context.wake_at(deadline);
  context.emit("drill.steady", {{"ok", steady.ok}, {"checks", steady.checks}, {"when", "before"}},
               owner_of(drill));
  if (steady.ok) return enter_phase(context, drill, "inject");
  std::vector<std::string> missing;
  for (const auto& check : steady.checks) {
    if (check["ok"] == true) continue;
    const auto& seen = check["observed"];
    missing.push_back(cat(check["text"].get<std::string>(), ", seen ",
                          seen.is_string() ? seen.get<std::string>() : dump_json(seen)));
  }
  abort_drill(
      context, drill.id,
      cat("the steady state was not met within ", duration_text(drill.scenario.steady_within),
          ": nothing was broken (", join(missing, "; "), ")"),
      false);
}

WallTime recover_deadline(const State& state, const DrillFacts& drill) {
  return std::max(drill.phase_at, faults_over_at(state, drill)) + drill.scenario.recover_within;
}

void advance_recover(Context& context, const DrillFacts& drill) {
  const SteadyChecks steady = check_steady(context, drill, faults_over_at(context.state, drill));
  const bool back = steady.ok && !run_is_active(context.state, drill);
  const WallTime deadline = recover_deadline(context.state, drill);
  if (!back && context.now < deadline) return context.wake_at(deadline);
  context.emit("drill.steady", {{"ok", back}, {"checks", steady.checks}, {"when", "after"}},
               owner_of(drill));
  enter_phase(context, drill, "settle");
}

void advance_settle(Context& context, const DrillFacts& drill) {
  const WallTime end =
      std::max(drill.phase_at + drill.scenario.settle, expectations_need_until(context, drill));
  advance_expectations(context, drill, context.now >= end);
  if (context.now < end) return context.wake_at(end);
  if (!drill.scenario.audit) return finish(context, drill);
  enter_phase(context, drill, "audit");
  start_audit(context, drill);
}

void advance_audit(Context& context, const DrillFacts& drill) {
  if (context.state.effects.contains(drill.audit_effect)) return;
  if (drill.audit.is_null()) {
    context.emit("audit.done",
                 {{"verdict", "unknown"}, {"audit", nullptr}, {"why", "the audit gave no answer"}},
                 owner_of(drill));
  }
  finish(context, drill);
}

// Reverts are on their way (advance_faults): wait for them, but not for a node that is gone.
void advance_abort(Context& context, const DrillFacts& drill) {
  if (drill.phase == "steady") return finish(context, drill);
  if (drill.phase == "inject") return enter_phase(context, drill, "recover");
  const WallTime deadline = drill.phase_at + drill.scenario.recover_within;
  if (!all_faults_ended(context.state, drill) && context.now < deadline) {
    return context.wake_at(deadline);
  }
  if (drill.phase == "audit" && context.state.effects.contains(drill.audit_effect)) return;
  advance_expectations(context, drill, true);
  finish(context, drill);
}

void check_abort_conditions(Context& context, const DrillFacts& drill) {
  if (drill.phase != "inject" && drill.phase != "recover") return;
  DrillWatch& watch = watch_of(context, drill);
  const bool may_be_broken = !all_faults_ended(context.state, drill);
  for (std::size_t i = 0; i < drill.scenario.abort_if.size(); ++i) {
    const Comparison& condition = drill.scenario.abort_if[i];
    const auto seen = watch.abort_if[i].update(context.memory.samples, condition, context.now);
    if (const auto due = watch.abort_if[i].due()) context.wake_at(*due);
    if (seen.truth != Truth::kNoData && may_be_broken) {  // to see its data stop, nobody wakes us
      context.wake_at(seen.at + context.catalog.settings.stale_after + 1us);
    }
    if (seen.truth == Truth::kNoData && may_be_broken && context.silence_counts(condition)) {
      return abort_drill(context, drill.id,
                         cat("abort condition: ", condition.signal,
                             " has no data, so it could not stop the drill"),
                         false);
    }
    if (seen.truth != Truth::kTrue) continue;
    return abort_drill(context, drill.id,
                       cat("abort condition: ", condition.text(), ", seen ", seen.value), true);
  }
}

void advance_phase(Context& context, const DrillFacts& drill) {
  if (drill.aborting) return advance_abort(context, drill);
  if (drill.phase == "steady") return advance_steady(context, drill);
  if (drill.phase == "inject") return advance_inject(context, drill);
  if (drill.phase == "recover") return advance_recover(context, drill);
  if (drill.phase == "settle") return advance_settle(context, drill);
  if (drill.phase == "audit") return advance_audit(context, drill);
}

}  // namespace

std::string why_not_drill(const Context& context, const DrillOrder& order) {
  const State& state = context.state;
  if (!draws_are_distinct(order.scenario))
    return "its draws cannot all take a service of their own";
  if (state.halted) return cat("halted: ", state.halt_reason);
  if (state.doubt) return "decisions are off: the controller was late and doubts its evidence";
  if (const DrillFacts* other = state.active_drill()) {
    return cat("drill ", other->id, " (", other->scenario.name, ") is under way");
  }
  for (const Target& target : draw_targets(order.scenario, order.seed)) {
    const std::string name = target.text();
    const std::string node = node_of(context.catalog.inventory, target);
    if (node.empty()) return cat("nothing is known of ", name);
    if (!state.agent_up(node)) return cat("agent ", node, " of ", name, " is down");
    for (const auto& [id, incident] : state.incidents) {
      if (!incident.closed_at && incident.target == name) {
        return cat("incident ", id, " is open on ", name);
      }
    }
    for (const auto& [id, fault] : state.faults) {
      if (!fault.ended() && fault.node == node) return cat("fault ", id, " is not over on ", node);
    }
  }
  const auto& audit = order.scenario.audit;
  if (audit && !state.agent_up(audit->node))
    return cat("agent ", audit->node, " of the audit is down");
  return {};
}

std::string start_drill(Context& context, const DrillOrder& order) {
  const std::string id = cat("d-", context.state.counters.drill + 1);
  nlohmann::json targets = nlohmann::json::array();
  for (const Target& target : draw_targets(order.scenario, order.seed)) {
    targets.push_back(to_json(target));
  }
  context.emit("drill.started",
               {{"scenario", order.scenario.document},
                {"name", order.scenario.name},
                {"seed", order.seed},
                {"targets", std::move(targets)},
                {"why", order.why}},
               {id, "", "", ""});
  enter_phase(context, context.state.drills.at(id), "steady");
  return id;
}

void abort_drill(Context& context, const std::string& drill, const std::string& why, bool failure) {
  context.emit("drill.abort", {{"why", why}, {"failure", failure}}, {drill, "", "", ""});
}

// A phase may end in the same moment in which it began: go on until nothing changes.
void advance_drills(Context& context) {
  while (DrillFacts* drill = context.state.active_drill()) {
    const std::size_t before = context.out.events.size();
    if (!drill->aborting) check_abort_conditions(context, *drill);
    if (!drill->aborting && drill->phase != "steady") advance_expectations(context, *drill, false);
    advance_phase(context, *drill);
    if (context.out.events.size() == before) return;
  }
}

// Parts shared by the phases.

DrillWatch& watch_of(Context& context, const DrillFacts& drill) {
  DrillWatch& watch = context.memory.drills[drill.id];
  watch.steady.resize(drill.scenario.steady.size());
  watch.abort_if.resize(drill.scenario.abort_if.size());
  watch.expect.resize(drill.scenario.expect.size());
  return watch;
}

Owner owner_of(const DrillFacts& drill) { return {drill.id, "", "", ""}; }

void enter_phase(Context& context, const DrillFacts& drill, const char* phase) {
  context.emit("drill.phase", {{"phase", phase}}, owner_of(drill));
}

void SteadyChecks::add(std::string text, nlohmann::json observed, bool holds) {
  ok = ok && holds;
  checks.push_back({{"text", std::move(text)}, {"observed", std::move(observed)}, {"ok", holds}});
}

SteadyChecks check_steady(Context& context, const DrillFacts& drill, WallTime since) {
  SteadyChecks result;
  DrillWatch& watch = watch_of(context, drill);
  for (std::size_t i = 0; i < drill.scenario.steady.size(); ++i) {
    const Comparison& check = drill.scenario.steady[i];
    const auto seen = watch.steady[i].update(context.memory.samples, check, context.now);
    if (const auto due = watch.steady[i].due()) context.wake_at(*due);
    const bool fed = seen.truth != Truth::kNoData && seen.at >= since;
    nlohmann::json observed = "no data";
    if (fed) observed = seen.value;
    result.add(check.text(), std::move(observed), fed && seen.truth == Truth::kTrue);
  }
  return result;
}

}  // namespace panshi::controller
