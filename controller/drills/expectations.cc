// SPDX-License-Identifier: Apache-2.0
// Expectations: each is answered once, as soon as it can be.
#include <algorithm>

#include "controller/drills/parts.h"
#include "core/base/text.h"
#include "core/model/worse.h"

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
  if (!seen.empty()) return {Answer::kPending, cat("ended ", seen)};
  std::string why;
  for (const auto& [id, breach] : state.breaches) {
    const auto refused = breach.refused.find(expected.run);
    if (breach.drill == drill.id && refused != breach.refused.end()) why = refused->second;
  }
  return {Answer::kPending, why.empty() ? "no run ended" : cat("no run: refused, ", why)};
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

// A look while a fault is in force. What was measured before it says nothing of it.
Decision look_during_fault(Context& context, const DrillFacts& drill, std::size_t index) {
  const Comparison& comparison = drill.scenario.expect[index].signal;
  DrillWatch& watch = watch_of(context, drill);
  const auto seen = context.memory.samples.observe(comparison, context.now);
  if (seen.truth == Truth::kNoData) {
    if (context.silence_counts(comparison)) watch.expect_gaps.insert(index);
  } else if (seen.at >= *drill.first_live_at) {
    if (seen.truth == Truth::kFalse) return {Answer::kNo, seen.value};
    const auto [known, first] = watch.expect_seen.try_emplace(index, seen.value);
    if (!first) known->second = worse_of(comparison, known->second, seen.value);
  }
  return {};
}

// Why the samples do not tell how it was from the first fault in force to the end of the last;
// empty when they do. A source that falls silent with what it watches has not seen it go well.
std::string why_not_seen(Context& context, const DrillFacts& drill, std::size_t index) {
  const Comparison& comparison = drill.scenario.expect[index].signal;
  const DrillWatch& watch = watch_of(context, drill);
  if (!watch.expect_seen.contains(index)) return "no data";
  if (watch.expect_gaps.contains(index)) return "no data for a while";
  const WallTime end = faults_over_at(context.state, drill);
  const WallTime from = std::max(*drill.first_live_at, context.state.started_at);
  if (from >= end) return {};
  const Duration silent = context.memory.samples.longest_silence(comparison, from, end);
  if (silent < context.catalog.settings.stale_after && 2 * silent <= end - from) return {};
  return cat("no data for ", silent.count() / 1000, " ms of ", (end - from).count() / 1000);
}

// The last samples of the time in which a fault was in force may be on their way until then;
// nothing when they are there.
std::optional<WallTime> last_samples_by(const Context& context, const DrillFacts& drill,
                                        const Comparison& comparison) {
  const WallTime end = faults_over_at(context.state, drill);
  const auto newest = context.memory.samples.newest(comparison);
  if (newest && *newest >= end) return std::nullopt;
  return end + context.catalog.settings.stale_after;
}

// True at every sample while a fault is in force: one that is not decides at once.
Decision decide_during_fault(Context& context, const DrillFacts& drill, std::size_t index) {
  if (!drill.first_live_at) return {};
  if (fault_is_live(context.state, drill)) return look_during_fault(context, drill, index);
  if (!every_fault_over(context.state, drill)) return {};
  const Comparison& comparison = drill.scenario.expect[index].signal;
  if (const auto by = last_samples_by(context, drill, comparison); by && context.now < *by) {
    context.wake_at(*by);
    return {Answer::kPending, "no data"};
  }
  if (std::string why = why_not_seen(context, drill, index); !why.empty()) {
    return {Answer::kUnknown, std::move(why)};
  }
  return {Answer::kYes, watch_of(context, drill).expect_seen.at(index)};
}

Decision decide_recovered(Context& context, const DrillFacts& drill, std::size_t index) {
  if (drill.phase != "settle") return {};
  const Comparison& comparison = drill.scenario.expect[index].signal;
  Hold& hold = watch_of(context, drill).expect[index];
  const auto seen = hold.update(context.memory.samples, comparison, context.now);
  const bool since = seen.at >= faults_over_at(context.state, drill);
  if (seen.truth == Truth::kTrue && since) return {Answer::kYes, seen.value};
  if (seen.truth == Truth::kNoData || !since) return {Answer::kPending, "no data"};
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

WallTime expectations_need_until(const Context& context, const DrillFacts& drill) {
  WallTime until = WallTime::min();
  if (!drill.first_live_at || !every_fault_over(context.state, drill)) return until;
  for (std::size_t i = 0; i < drill.scenario.expect.size(); ++i) {
    const Expectation& expected = drill.scenario.expect[i];
    const bool of_samples =
        expected.kind == Expectation::Kind::kSignal && expected.during == "fault";
    if (!of_samples || drill.expectations[i].answer != Answer::kPending) continue;
    until = std::max(until, last_samples_by(context, drill, expected.signal).value_or(until));
  }
  return until;
}

void advance_expectations(Context& context, const DrillFacts& drill, bool last_call) {
  for (std::size_t i = 0; i < drill.scenario.expect.size(); ++i) {
    if (drill.expectations[i].answer != Answer::kPending) continue;
    const Expectation& expected = drill.scenario.expect[i];
    Decision decision = decide(context, drill, i);
    if (decision.answer == Answer::kPending && last_call) {
      decision.answer = answer_at_last(drill, expected, decision);
    }
    // A drill cut short did not give it the time; a controller that doubted itself did not look,
    // nor did one that was not there.
    const bool was_away = drill.first_live_at && context.state.started_at > *drill.first_live_at;
    const bool did_not_look =
        (drill.doubted || was_away) && expected.kind != Expectation::Kind::kSignal;
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
