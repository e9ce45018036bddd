// SPDX-License-Identifier: Apache-2.0
// The fold of drills.
#include <algorithm>

#include "controller/world/fold.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

constexpr std::size_t kDrillsKept = 200;
constexpr std::size_t kPhaseEventsMax = 500;  // of a drill; the first of each kind matter

void drill_started(State& state, const Event& event) {
  DrillFacts drill;
  Problems problems;  // none: it was read before it was journaled
  drill.id = event.drill;
  drill.scenario = read_scenario(event.data.value("scenario", nlohmann::json::object()), problems);
  drill.seed = static_cast<std::uint64_t>(integer_of(event.data, "seed").value_or(0));
  drill.why = text_of(event.data, "why");
  drill.started_at = event.at;
  drill.expectations.resize(drill.scenario.expect.size());
  const auto targets = event.data.value("targets", nlohmann::json::array());
  for (std::size_t i = 0; i < drill.scenario.faults.size(); ++i) {
    drill.targets.push_back(i < targets.size() ? read_target(targets[i], "", problems)
                                               : drill.scenario.faults[i].target);
  }
  drill.failover = phases({});
  state.counters.drill = std::max(state.counters.drill, number_of(drill.id));
  state.drills[drill.id] = std::move(drill);
  forget_oldest(state.drills, kDrillsKept);
}

void drill_phase(State& state, const Event& event) {
  DrillFacts* drill = find_in(state.drills, event.drill);
  if (!drill) return;
  drill->phase = text_of(event.data, "phase");
  drill->phase_at = event.at;
  drill->phases.emplace_back(drill->phase, event.at);
}

void drill_steady(State& state, const Event& event) {
  DrillFacts* drill = find_in(state.drills, event.drill);
  if (drill && text_of(event.data, "when") == "after") {
    drill->recovered = event.data.value("ok", false);
  }
}

void drill_abort(State& state, const Event& event) {
  DrillFacts* drill = find_in(state.drills, event.drill);
  if (!drill) return;
  drill->aborting = true;
  drill->abort_why = text_of(event.data, "why");
  drill->abort_is_failure = event.data.value("failure", false);
}

void drill_expectation(State& state, const Event& event) {
  DrillFacts* drill = find_in(state.drills, event.drill);
  const auto index = static_cast<std::size_t>(integer_of(event.data, "index").value_or(0));
  if (!drill || index >= drill->expectations.size()) return;
  const auto ok = event.data.value("ok", nlohmann::json());
  ExpectationFacts& expectation = drill->expectations[index];
  expectation.answer = !ok.is_boolean() ? Answer::kUnknown
                       : ok.get<bool>() ? Answer::kYes
                                        : Answer::kNo;
  expectation.observed = event.data.value("observed", nlohmann::json());
}

void drill_done(State& state, const Event& event) {
  DrillFacts* drill = find_in(state.drills, event.drill);
  if (!drill) return;
  drill->verdict = text_of(event.data, "verdict");
  drill->aborted = event.data.value("aborted", false);
  drill->ended_at = event.at;
  for (const auto& why : event.data.value("why", nlohmann::json::array())) {
    if (why.is_string()) drill->whys.push_back(why.get<std::string>());
  }
}

void audit_done(State& state, const Event& event) {
  if (DrillFacts* drill = find_in(state.drills, event.drill)) drill->audit = event.data;
}

}  // namespace

void note_phase(State& state, const Event& event) {
  if (event.drill.empty() || !tells_of_phases(event)) return;
  DrillFacts* drill = find_in(state.drills, event.drill);
  if (!drill || drill->phase_events.size() == kPhaseEventsMax) return;
  drill->phase_events.push_back(event);
  drill->phase_events.back().seq = 0;  // not known yet when it is folded for the first time
  drill->failover = phases(drill->phase_events);
}

void add_drill_folds(FoldTable& table) {
  table["drill.started"] = &drill_started;
  table["drill.phase"] = &drill_phase;
  table["drill.steady"] = &drill_steady;
  table["drill.abort"] = &drill_abort;
  table["drill.expectation"] = &drill_expectation;
  table["drill.done"] = &drill_done;
  table["audit.done"] = &audit_done;
}

}  // namespace panshi::controller
