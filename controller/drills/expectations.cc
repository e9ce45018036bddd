// SPDX-License-Identifier: Apache-2.0
// Expectations: each is answered once, as soon as it can be.
#include <algorithm>

#include "controller/drills/parts.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

struct Decision {
  Answer answer = Answer::kPending;
  nlohmann::json observed;
};

Decision decide_breach(Context& context, const DrillFacts& drill, const Expectation& expected) {
  if (!drill.first_live_at) return {};
  const WallTime deadline = *drill.first_live_at + expected.within;
  for (const auto& [id, breach] : context.state.breaches) {
    if (breach.rule != expected.breach || breach.drill != drill.id) continue;
    const auto after = breach.opened_at - *drill.first_live_at;
    const bool in_time = breach.opened_at <= deadline;
    return {in_time ? Answer::kYes : Answer::kNo, cat("after ", after.count() / 1000, " ms")};
  }
  if (context.now > deadline) return {Answer::kNo, "no breach"};
  context.wake_at(deadline + Duration(1));
  return {};
}

Decision decide_run(const State& state, const DrillFacts& drill, const Expectation& expected) {
  std::string seen;
  for (const auto& [id, run] : state.runs) {
    if (run.runbook != expected.run || run.drill != drill.id || run.active()) continue;
    seen = run.outcome;
    if (seen == expected.outcome) return {Answer::kYes, cat(id, " ended ", seen)};
  }
  return {Answer::kPending, seen.empty() ? "no run ended" : cat("ended ", seen)};
}

bool fault_is_live(const State& state, const DrillFacts& drill) {
  const auto faults = faults_of(state, drill);
  return std::any_of(faults.begin(), faults.end(),
                     [](const FaultFacts* fault) { return fault->state == FaultState::kLive; });
}

bool every_fault_over(const State& state, const DrillFacts& drill) {
  const auto faults = faults_of(state, drill);
  return drill.phase != "inject" && std::all_of(faults.begin(), faults.end(),
                                                [](const auto* fault) { return fault->ended(); });
}

// True at every sample while a fault is in force: one that is not decides at once.
Decision decide_during_fault(Context& context, const DrillFacts& drill, std::size_t index) {
  const Comparison& comparison = drill.scenario.expect[index].signal;
  DrillWatch& watch = watch_of(context, drill);
  if (fault_is_live(context.state, drill)) {
    const auto seen = context.memory.samples.observe(comparison, context.now);
    if (seen.truth == Truth::kFalse) return {Answer::kNo, seen.value};
    if (seen.truth == Truth::kTrue) watch.expect_seen[index] = seen.value;
    return {};
  }
  if (!drill.first_live_at || !every_fault_over(context.state, drill)) return {};
  const auto last = watch.expect_seen.find(index);
  if (last == watch.expect_seen.end()) return {Answer::kUnknown, "no data"};
  return {Answer::kYes, last->second};
}

Decision decide_recovered(Context& context, const DrillFacts& drill, std::size_t index) {
  if (drill.phase != "settle") return {};
  const Comparison& comparison = drill.scenario.expect[index].signal;
  Hold& hold = watch_of(context, drill).expect[index];
  const auto seen = hold.update(context.memory.samples, comparison, context.now);
  if (seen.truth == Truth::kTrue) return {Answer::kYes, seen.value};
  if (seen.truth == Truth::kNoData) return {Answer::kPending, "no data"};
  return {Answer::kPending, seen.value};
}

Decision decide(Context& context, const DrillFacts& drill, std::size_t index) {
  const Expectation& expected = drill.scenario.expect[index];
  switch (expected.kind) {
    case Expectation::Kind::kBreach:
      return decide_breach(context, drill, expected);
    case Expectation::Kind::kRun:
      return decide_run(context.state, drill, expected);
    case Expectation::Kind::kSignal:
      return expected.during == "fault" ? decide_during_fault(context, drill, index)
                                        : decide_recovered(context, drill, index);
  }
  return {};
}

// What was not answered by the end: without evidence it is unknown, else it did not happen.
Answer answer_at_last(const DrillFacts& drill, const Expectation& expected, const Decision& seen) {
  if (!drill.first_live_at) return Answer::kUnknown;
  if (expected.kind == Expectation::Kind::kSignal && !seen.observed.is_number()) {
    return Answer::kUnknown;
  }
  return Answer::kNo;
}

}  // namespace

void advance_expectations(Context& context, const DrillFacts& drill, bool last_call) {
  for (std::size_t i = 0; i < drill.scenario.expect.size(); ++i) {
    if (drill.expectations[i].answer != Answer::kPending) continue;
    const Expectation& expected = drill.scenario.expect[i];
    Decision decision = decide(context, drill, i);
    if (decision.answer == Answer::kPending && last_call) {
      decision.answer = answer_at_last(drill, expected, decision);
    }
    // A drill cut short did not give it the time; a controller that doubted itself did not look.
    const bool did_not_look = drill.doubted && expected.kind != Expectation::Kind::kSignal;
    if (decision.answer == Answer::kNo && (drill.aborting || did_not_look)) {
      decision.answer = Answer::kUnknown;
    }
    if (decision.answer == Answer::kPending) continue;
    nlohmann::json ok;
    if (decision.answer != Answer::kUnknown) ok = decision.answer == Answer::kYes;
    context.emit("drill.expectation",
                 {{"index", i},
                  {"text", expected.text()},
                  {"ok", std::move(ok)},
                  {"observed", std::move(decision.observed)}},
                 owner_of(drill));
  }
}

}  // namespace panshi::controller
