// SPDX-License-Identifier: Apache-2.0
// The verdict: fail for what is known to be wrong, else unknown for what is not known, else pass.
#include "controller/drills/parts.h"
#include "controller/events/event_data.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using Whys = std::vector<std::string>;

void judge_faults(const State& state, const DrillFacts& drill, Whys& unknown) {
  for (const FaultFacts* fault : faults_of(state, drill)) {
    const std::string name = cat("fault ", fault->scenario_fault);
    if (!fault->ended()) unknown.push_back(cat(name, " is not known to be reverted"));
    const std::string left = text_of(fault->measured, "left");
    if (!left.empty()) unknown.push_back(cat(name, " could not give back everything: ", left));
    if (!fault->stuck_why.empty()) {
      unknown.push_back(cat(name, " could not be reverted when it was due: ", fault->stuck_why));
    }
    if (fault->was_unknown) unknown.push_back(cat(name, " was out of sight for a while"));
    if (drill.aborting || !fault->live_at || fault->shown) continue;
    const bool measured = fault->measured.is_object() && !fault->measured.empty();
    unknown.push_back(cat(name, " showed no effect: ",
                          measured ? dump_json(fault->measured) : "nothing was measured"));
  }
}

void judge_expectations(const DrillFacts& drill, Whys& failed, Whys& unknown) {
  for (std::size_t i = 0; i < drill.expectations.size(); ++i) {
    const ExpectationFacts& expectation = drill.expectations[i];
    const std::string observed =
        expectation.observed.is_null() ? "" : cat(", observed ", dump_json(expectation.observed));
    const std::string text = cat("expected ", drill.scenario.expect[i].text(), observed);
    if (expectation.answer == Answer::kNo) failed.push_back(text);
    if (expectation.answer == Answer::kUnknown) unknown.push_back(cat("not known: ", text));
    if (expectation.answer == Answer::kPending) unknown.push_back(cat("not looked at: ", text));
  }
}

void judge_runs(const State& state, const DrillFacts& drill, Whys& unknown) {
  for (const auto& [id, run] : state.runs) {
    if (run.drill != drill.id || run.dry_run) continue;
    if (run.active())
      unknown.push_back(cat("run ", id, " of ", run.runbook, " is still under way"));
    if (run.outcome == "unknown")
      unknown.push_back(cat("run ", id, " of ", run.runbook, " ended unknown"));
  }
}

// ": " and the first reason that the audit gives; "" without one.
std::string first_reason(const nlohmann::json& audit_done) {
  static const nlohmann::json::json_pointer kFirst("/audit/why/0");
  if (!audit_done.is_object() || !audit_done.contains(kFirst)) return {};
  const nlohmann::json& first = audit_done.at(kFirst);
  return first.is_string() ? cat(": ", first.get<std::string>()) : std::string();
}

void judge_audit(const DrillFacts& drill, Whys& failed, Whys& unknown) {
  if (!drill.scenario.audit || drill.aborting) return;
  const std::string verdict =
      drill.audit.is_object() ? drill.audit.value("verdict", "unknown") : "unknown";
  const std::string why = first_reason(drill.audit);
  if (verdict == "invalid") failed.push_back(cat("the ledger audit found something wrong", why));
  if (verdict != "invalid" && verdict != "valid") {
    unknown.push_back(cat("the ledger audit is unknown", why));
  }
}

}  // namespace

Verdict verdict_of(const State& state, const DrillFacts& drill) {
  Whys failed;
  Whys unknown = drill.doubts;
  if (drill.aborting) (drill.abort_is_failure ? failed : unknown).push_back(drill.abort_why);
  judge_faults(state, drill, unknown);
  if (!drill.aborting || drill.first_live_at) judge_expectations(drill, failed, unknown);
  if (drill.recovered && !*drill.recovered) {
    failed.push_back(
        cat("the steady state was not back within ", duration_text(drill.scenario.recover_within)));
  }
  judge_runs(state, drill, unknown);
  judge_audit(drill, failed, unknown);

  Verdict verdict{failed.empty() ? (unknown.empty() ? "pass" : "unknown") : "fail", failed};
  verdict.why.insert(verdict.why.end(), unknown.begin(), unknown.end());
  if (verdict.why.empty()) verdict.why.push_back("everything expected was seen");
  return verdict;
}

}  // namespace panshi::controller
