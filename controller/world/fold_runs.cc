// SPDX-License-Identifier: Apache-2.0
// The fold of breaches, incidents and runs.
#include <algorithm>

#include "controller/world/fold.h"
#include "core/base/text.h"
#include "core/model/steps/step_kind.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kRetryPause = 250ms;
constexpr std::size_t kKept = 500;
constexpr std::size_t kStepsKept = 200;  // attempts of one run

void forget_old(State& state) {
  forget_oldest(state.runs, kKept);
  while (state.breaches.size() > kKept) {
    const auto done = std::find_if(state.breaches.begin(), state.breaches.end(),
                                   [](auto& item) { return item.second.cleared_at.has_value(); });
    if (done == state.breaches.end()) return;
    state.breaches.erase(done);
  }
  while (state.incidents.size() > kKept) {
    const auto done = std::find_if(state.incidents.begin(), state.incidents.end(),
                                   [](auto& item) { return item.second.closed_at.has_value(); });
    if (done == state.incidents.end()) return;
    state.incidents.erase(done);
  }
}

void breach_opened(State& state, const Event& event) {
  BreachFacts breach;
  breach.id = text_of(event.data, "breach");
  breach.rule = text_of(event.data, "rule");
  breach.signal = text_of(event.data, "signal");
  Problems problems;
  breach.target =
      read_target(event.data.value("target", nlohmann::json::object()), "", problems).text();
  breach.incident = event.incident;
  breach.drill = event.drill;
  breach.opened_at = event.at;
  state.counters.breach = std::max(state.counters.breach, number_of(breach.id));
  if (IncidentFacts* incident = find_in(state.incidents, event.incident)) {
    incident->breaches.push_back(breach.id);
    incident->slo_met_at.reset();
    incident->redundancy_at.reset();
  }
  state.breaches[breach.id] = std::move(breach);
  forget_old(state);
}

void breach_cleared(State& state, const Event& event) {
  BreachFacts* breach = find_in(state.breaches, text_of(event.data, "breach"));
  if (!breach) return;
  breach->cleared_at = event.at;
  breach->given_up = text_of(event.data, "why");
}

void slo_first_good(State& state, const Event& event) {
  BreachFacts* breach = find_in(state.breaches, text_of(event.data, "breach"));
  if (breach) breach->first_good = true;
}

void incident_opened(State& state, const Event& event) {
  IncidentFacts incident;
  incident.id = event.incident;
  incident.rule = text_of(event.data, "rule");
  incident.title = text_of(event.data, "title");
  incident.target = text_of(event.data, "target");
  for (const auto& fault : event.data.value("faults", nlohmann::json::array())) {
    if (fault.is_string()) incident.faults.push_back(fault.get<std::string>());
  }
  incident.drill = event.drill;
  incident.opened_at = event.at;
  state.counters.incident = std::max(state.counters.incident, number_of(incident.id));
  state.incidents[incident.id] = std::move(incident);
}

void incident_closed(State& state, const Event& event) {
  auto* incident = find_in(state.incidents, event.incident);
  if (!incident) return;
  incident->closed_at = event.at;
  incident->closed_why = text_of(event.data, "why");
}

void incident_acked(State& state, const Event& event) {
  auto* incident = find_in(state.incidents, event.incident);
  if (incident) incident->acked_by = text_of(event.data, "by");
}

void slo_met(State& state, const Event& event) {
  if (auto* incident = find_in(state.incidents, event.incident)) incident->slo_met_at = event.at;
}

void redundancy_back(State& state, const Event& event) {
  auto* incident = find_in(state.incidents, event.incident);
  if (incident) incident->redundancy_at = event.at;
}

void run_started(State& state, const Event& event) {
  RunFacts run;
  run.id = event.run;
  run.runbook = text_of(event.data, "runbook");
  run.breach = text_of(event.data, "breach");
  run.incident = event.incident;
  run.drill = event.drill;
  run.dry_run = event.data.value("dry_run", false);
  for (const auto& target : event.data.value("targets", nlohmann::json::array())) {
    if (target.is_string()) run.targets.push_back(target.get<std::string>());
  }
  run.started_at = run.step_at = event.at;
  state.counters.run = std::max(state.counters.run, number_of(run.id));
  state.runs[run.id] = std::move(run);
  forget_old(state);
}

void run_refused(State& state, const Event& event) {
  BreachFacts* breach = find_in(state.breaches, text_of(event.data, "breach"));
  if (breach) breach->refused[text_of(event.data, "runbook")] = text_of(event.data, "why");
}

void run_done(State& state, const Event& event) {
  RunFacts* run = find_in(state.runs, event.run);
  if (!run) return;
  run->outcome = text_of(event.data, "outcome");
  run->why = text_of(event.data, "why");
  run->ended_at = event.at;
}

void step_started(State& state, const Event& event) {
  RunFacts* run = find_in(state.runs, event.run);
  if (!run) return;
  run->step_running = true;
  run->step = static_cast<std::size_t>(integer_of(event.data, "step").value_or(0));
  run->attempt = integer_of(event.data, "attempt").value_or(0);
  run->step_at = event.at;
  run->effect.clear();  // effect.intended follows, when there is one
  run->effect_outcome.clear();
  run->effect_detail.clear();
  if (run->steps.size() >= kStepsKept) run->steps.erase(run->steps.begin());
  run->steps.push_back({run->step, text_of(event.data, "name"), text_of(event.data, "kind"),
                        run->attempt, "", "", event.at, std::nullopt});
}

void note_routed(State& state, const RunFacts& run, const Event& event) {
  const StepKind* const kind = find_step_kind(text_of(event.data, "kind"));
  if (run.dry_run || !kind || !kind->routes) return;
  for (auto& [id, breach] : state.breaches) {
    const bool same =
        id == run.breach || (!run.incident.empty() && breach.incident == run.incident);
    if (same && !breach.routed_at) breach.routed_at = event.at;
  }
}

void step_done(State& state, const Event& event) {
  RunFacts* run = find_in(state.runs, event.run);
  if (!run) return;
  const std::string outcome = text_of(event.data, "outcome");
  const std::string next = text_of(event.data, "next");
  run->step_running = false;
  run->effect.clear();
  if (!run->steps.empty()) {
    run->steps.back().outcome = outcome;
    run->steps.back().detail = text_of(event.data, "detail");
    run->steps.back().done_at = event.at;
  }
  if (outcome == "ok") note_routed(state, *run, event);
  if (next == "retry") {
    run->step_at = event.at + kRetryPause;
    return;
  }
  if (outcome != "ok") {
    run->notes.push_back(
        cat(text_of(event.data, "name"), ": ", outcome, " (", text_of(event.data, "detail"), ")"));
  }
  run->step_unknown = run->step_unknown || outcome == "unknown";
  run->stopping = next == "stop";
  run->step_failed = run->step_failed || (run->stopping && outcome == "failed");
  run->step += 1;
  run->attempt = 0;
  run->step_at = event.at;
}

}  // namespace

void add_run_folds(FoldTable& table) {
  table["breach.opened"] = &breach_opened;
  table["breach.cleared"] = &breach_cleared;
  table["slo.first_good"] = &slo_first_good;
  table["slo.met"] = &slo_met;
  table["redundancy.back"] = &redundancy_back;
  table["incident.opened"] = &incident_opened;
  table["incident.closed"] = &incident_closed;
  table["incident.acked"] = &incident_acked;
  table["run.started"] = &run_started;
  table["run.refused"] = &run_refused;
  table["run.done"] = &run_done;
  table["step.started"] = &step_started;
  table["step.done"] = &step_done;
}

}  // namespace panshi::controller
