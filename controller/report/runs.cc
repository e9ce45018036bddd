// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "controller/events/event_data.h"
#include "controller/report/sections.h"

namespace panshi::controller {
namespace {

ReportRun* run_named(std::vector<ReportRun>& runs, const std::string& id) {
  const auto found =
      std::find_if(runs.begin(), runs.end(), [&](const ReportRun& run) { return run.id == id; });
  return found == runs.end() ? nullptr : &*found;
}

ReportStep& step_numbered(ReportRun& run, std::int64_t index) {
  const auto found = std::find_if(run.steps.begin(), run.steps.end(),
                                  [&](const ReportStep& step) { return step.index == index; });
  if (found != run.steps.end()) return *found;
  ReportStep step;
  step.index = index;
  return run.steps.emplace_back(std::move(step));
}

void add_step(ReportRun& run, const Event& event) {
  ReportStep& step = step_numbered(run, integer_of(event.data, "step").value_or(0));
  step.cites.push_back(event.seq);
  if (std::string name = text_of(event.data, "name"); !name.empty()) step.name = name;
  if (std::string kind = text_of(event.data, "kind"); !kind.empty()) step.kind = kind;
  if (event.kind != "step.done") return;
  step.outcome = text_of(event.data, "outcome");
  step.duration_us = integer_of(event.data, "duration_us");
  step.detail = text_of(event.data, "detail");
}

}  // namespace

void add_runs(Report& report) {
  for (const Event& event : report.events) {
    if (event.kind == "run.started") {
      ReportRun run;
      run.id = run_of(event);
      run.runbook = text_of(event.data, "runbook");
      run.cites = {event.seq};
      report.runs.push_back(std::move(run));
      continue;
    }
    ReportRun* run = run_named(report.runs, run_of(event));
    if (run == nullptr) continue;
    if (event.kind == "step.started" || event.kind == "step.done") add_step(*run, event);
    if (event.kind != "run.done") continue;
    run->outcome = text_of(event.data, "outcome");
    run->why = text_of(event.data, "why");
    run->cites.push_back(event.seq);
  }
}

}  // namespace panshi::controller
