// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "controller/events/event_data.h"
#include "controller/report/sections.h"
#include "controller/report/wording.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

void add_verdict(Report& report) {
  const Event* done = last_event(report, "drill.done");
  if (done == nullptr) {
    report.summary.push_back({"The drill has not ended yet.", {}});
    return;
  }
  std::string text = "The drill " + std::string(report.verdict == "pass"   ? "passed"
                                                : report.verdict == "fail" ? "failed"
                                                                           : "ended undecided");
  if (report.aborted) text += " and was aborted";
  std::vector<std::int64_t> cites = {done->seq};
  if (report.started) {
    text += " after " + time_text((*report.ended - *report.started).count());
    cites.insert(cites.begin(), first_event(report, "drill.started")->seq);
  }
  report.summary.push_back({text + ".", cites});
}

void add_fault(Report& report, const ReportFault& fault) {
  if (!fault.live) {
    report.summary.push_back(
        {cat("Fault ", fault.id, " never came in force: ", fault.ended, "."), fault.cites});
    return;
  }
  std::string text = cat(fault.kind, " on ", fault.target, " came in force");
  if (fault.reverted) {
    text += " and was reverted after " + time_text((*fault.reverted - *fault.live).count());
    if (!fault.ended.empty()) text += " (" + fault.ended + ")";
  } else {
    text += "; the journal does not show that it was reverted";
  }
  report.summary.push_back({text + ".", fault.cites});
}

void add_detection(Report& report) {
  const Phase& live = phase(report, "in force");
  const Phase& detected = phase(report, "detected");
  if (!live.seq) return;
  if (!detected.seq) {
    report.summary.push_back({"No breach was opened while it was in force.", {*live.seq}});
    return;
  }
  const Event* breach = nullptr;
  for (const Event& event : report.events) {
    if (event.seq == *detected.seq) breach = &event;
  }
  const std::optional<double> value = number_of(breach->data, "value");
  report.summary.push_back(
      {cat("The rule ", text_of(breach->data, "rule"), " opened a breach after ",
           time_text(*detected.since_in_force_us),
           value ? cat(", at ", text_of(breach->data, "signal"), " ", value_text(*value)) : "",
           "."),
       {*live.seq, *detected.seq}});
}

void add_phase(Report& report, std::string_view name, std::string_view words) {
  const Phase& zero = phase(report, "in force");
  const Phase& one = phase(report, name);
  if (!zero.seq || !one.seq) return;
  report.summary.push_back({cat(words, " ", time_text(*one.since_in_force_us), " after the fault."),
                            {*zero.seq, *one.seq}});
}

void add_runs_sentence(Report& report) {
  for (const ReportRun& run : report.runs) {
    const std::string outcome = run.outcome.empty() ? "has no outcome" : "ended " + run.outcome;
    report.summary.push_back(
        {cat("Runbook ", run.runbook, " (run ", run.id, ") took ", run.steps.size(),
             run.steps.size() == 1 ? " step and " : " steps and ", outcome, "."),
         run.cites});
  }
}

void add_ledger_sentence(Report& report) {
  if (!report.ledger) {
    report.summary.push_back({"The ledger was not audited.", {}});
    return;
  }
  // Those of the shop in a sentence's order, of another audit whatever it counts.
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kWords = {
      {{"attempted", "orders attempted"},
       {"acknowledged", "acknowledged"},
       {"ok", "whole"},
       {"lost", "lost"},
       {"duplicated", "doubled"},
       {"undelivered", "undelivered"}}};
  const auto& lines = report.ledger->lines;
  const auto count = [](const LedgerLine& line) {
    return line.count ? std::to_string(*line.count) : std::string("unknown");
  };
  std::vector<std::string> counts;
  for (const auto& [name, words] : kWords) {
    for (const LedgerLine& line : lines) {
      if (line.name == name) counts.push_back(cat(count(line), " ", words));
    }
  }
  for (std::size_t i = 0; counts.empty() && i < std::min(lines.size(), kWords.size()); ++i) {
    counts.push_back(cat(lines[i].name, " ", count(lines[i])));
  }
  const std::string checked =
      report.ledger->not_checked.empty() ? ""
      : report.ledger->not_checked.size() == 1
          ? " 1 thing was not checked; it is listed with the ledger."
          : cat(" ", report.ledger->not_checked.size(),
                " things were not checked; they are listed with the ledger.");
  report.summary.push_back({cat("The ledger is ", report.ledger->verdict,
                                counts.empty() ? "" : ": ", join(counts, ", "), ".", checked),
                            {report.ledger->seq}});
}

}  // namespace

void add_summary(Report& report) {
  add_verdict(report);
  for (const ReportFault& fault : report.faults) add_fault(report, fault);
  add_detection(report);
  add_runs_sentence(report);
  add_phase(report, "routed", "Traffic was led elsewhere or the service restarted");
  add_phase(report, "first good request", "The first good request followed");
  add_phase(report, "SLO met", "The service level was met again");
  add_phase(report, "redundancy back", "Redundancy was back");
  add_ledger_sentence(report);
}

}  // namespace panshi::controller
