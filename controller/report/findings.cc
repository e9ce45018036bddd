// SPDX-License-Identifier: Apache-2.0
// What went well and badly, only where a rule over the events says so; the rest is for people.
#include "controller/events/event_data.h"
#include "controller/report/sections.h"
#include "controller/report/wording.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

void judge_detections(Report& report) {
  for (const Detection& one : report.detections) {
    if (one.grade == "right") {
      report.went_well.push_back({cat("The diagnosis was right: ", one.rule, " named ", one.fault,
                                      " after ", time_text(one.after_us.value_or(0)), "."),
                                  one.cites});
    } else if (one.grade == "late") {
      report.went_badly.push_back({cat("The diagnosis came late: ", one.rule, " needed ",
                                       time_text(one.after_us.value_or(0)), "; ", one.why, "."),
                                   one.cites});
    } else if (one.grade == "wrong") {
      report.went_badly.push_back(
          {cat("The diagnosis pointed elsewhere: ", one.why, "."), one.cites});
    } else if (one.grade == "missed") {
      report.went_badly.push_back(
          {cat("Fault ", one.fault, " went unnoticed: ", one.why, "."), one.cites});
    } else if (one.grade == "false alarm") {
      report.went_badly.push_back(
          {cat("False alarm of ", one.rule, ": ", one.why, "."), one.cites});
    }
  }
}

void judge_faults(Report& report) {
  for (const ReportFault& fault : report.faults) {
    if (!fault.live) {
      report.went_badly.push_back(
          {cat("Fault ", fault.id, " could not be applied: ", fault.ended, "."), fault.cites});
    } else if (!fault.reverted) {
      report.went_badly.push_back(
          {cat("The journal shows no revert of fault ", fault.id, "."), fault.cites});
    } else if (!fault.left.empty()) {
      report.went_badly.push_back(
          {cat("Fault ", fault.id,
               " was reverted, but not everything could be given back: ", fault.left, "."),
           fault.cites});
    } else if (!fault.stuck.empty()) {
      report.went_badly.push_back(
          {cat("Fault ", fault.id, " could not be reverted when it was due: ", fault.stuck, "."),
           fault.cites});
    } else if (fault.ended == "asked" && report.aborted) {
      report.went_well.push_back(
          {cat("Fault ", fault.id, " was reverted when the drill was aborted."), fault.cites});
    } else if (fault.ended == "asked") {
      report.went_well.push_back(
          {cat("Fault ", fault.id, " was reverted as planned."), fault.cites});
    } else {
      report.went_badly.push_back(
          {cat("Fault ", fault.id, " was not reverted by the drill but by its safety net (",
               fault.ended, ")."),
           fault.cites});
    }
  }
}

void judge_runs(Report& report) {
  for (const ReportRun& run : report.runs) {
    if (run.outcome == "ok") {
      report.went_well.push_back(
          {cat("Runbook ", run.runbook, " did its work without a person."), run.cites});
    } else {
      report.went_badly.push_back({cat("Runbook ", run.runbook, " ended ",
                                       run.outcome.empty() ? "without an outcome" : run.outcome,
                                       run.why.empty() ? "" : ": " + run.why, "."),
                                   run.cites});
    }
    for (const ReportStep& step : run.steps) {
      if (step.outcome == "ok") continue;
      report.went_badly.push_back({cat("Step \"", step.name, "\" ended ",
                                       step.outcome.empty() ? "without an outcome" : step.outcome,
                                       step.detail.empty() ? "" : ": " + step.detail, "."),
                                   step.cites});
    }
  }
}

void judge_ledger(Report& report) {
  if (!report.ledger) return;
  const Ledger& ledger = *report.ledger;
  if (ledger.verdict == "valid") {
    report.went_well.push_back(
        {"The ledger audit found nothing wrong in what it checked.", {ledger.seq}});
    return;
  }
  report.went_badly.push_back({cat("The ledger is ", ledger.verdict,
                                   ledger.why.empty() ? "" : ": " + join(ledger.why, "; "), "."),
                               {ledger.seq}});
}

void judge_events(Report& report) {
  for (const Event& event : report.events) {
    const auto badly = [&](std::string text) {
      report.went_badly.push_back({std::move(text), {event.seq}});
    };
    if (event.kind == "doubt.on")
      badly("The controller was starved of time and held back its decisions.");
    if (event.kind == "agent.down") badly(cat("The agent of ", event.node, " stopped answering."));
    if (event.kind == "service.gave_up")
      badly(cat("Service ", text_of(event.data, "service"), " was no longer restarted."));
    if (event.kind == "halt.on") badly("The halt lever was pulled.");
    if (event.kind == "notify.sent" && flag_of(event.data, "page").value_or(false))
      badly("A person was paged.");
    if (event.kind == "controller.started")
      badly("The controller was restarted while the drill ran.");
  }
}

void judge_expectations(Report& report) {
  std::vector<std::int64_t> met;
  for (const ReportExpectation& one : report.expectations) {
    if (one.ok.value_or(false)) {
      met.push_back(one.seq);
    } else {
      report.went_badly.push_back(
          {cat("Expectation ", one.ok ? "not met" : "undecided", ": ", one.text,
               one.observed.empty() ? "" : ", observed " + one.observed, "."),
           {one.seq}});
    }
  }
  if (!met.empty() && met.size() == report.expectations.size()) {
    report.went_well.push_back({"Every expectation was met.", met});
  }
}

void add_prompts(Report& report) {
  const Phase* longest = nullptr;
  for (const Phase& one : report.phases) {
    if (one.took_us && (longest == nullptr || *one.took_us > *longest->took_us)) longest = &one;
  }
  report.prompts = {
      "Which properties of the system let this fault reach customers, and which kept it from "
      "spreading?",
      longest == nullptr || *longest->took_us == 0
          ? "What would have shown the fault earlier?"
          : cat("Most of the time passed before \"", longest->name, "\". What would shorten it?"),
      "What surprised you? What did the system do that you would not have predicted?",
      "Where did luck help? What would be different at ten times the load, or at three in the "
      "morning?",
      "Which drill fails today and passes once the improvement is made? Name it as the action."};
}

}  // namespace

void add_findings(Report& report) {
  judge_detections(report);
  judge_faults(report);
  judge_runs(report);
  judge_expectations(report);
  judge_ledger(report);
  judge_events(report);
  add_prompts(report);
}

}  // namespace panshi::controller
