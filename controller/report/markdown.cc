// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "controller/report/markdown_text.h"
#include "controller/report/report.h"
#include "controller/report/sections.h"
#include "controller/report/series.h"
#include "controller/report/wording.h"
#include "controller/report/words.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace markdown;

std::string cites(const std::vector<std::int64_t>& seqs) {
  std::string out;
  for (const std::int64_t seq : seqs) out += cat(" [#", seq, "]");
  return out;
}

void sentences(std::string& out, const std::vector<Cited>& list, std::string_view none) {
  if (list.empty()) out += cat("- ", none, "\n");
  for (const Cited& one : list) out += cat("- ", safe(one.text), cites(one.cites), "\n");
}

void head(const Report& report, std::string& out) {
  out += cat("# ", safe(report.title), "\n\n**Verdict: ", safe(report.verdict),
             report.aborted ? ", aborted" : "", "**\n\n");
  if (!report.about.empty()) out += safe(report.about) + "\n\n";
  if (!report.why.empty()) {
    sentences(out, report.why, "");
    out += "\n";
  }
  out += cat("Drill ", code(report.drill), ", scenario ", code(report.scenario));
  if (report.started) {
    out += cat(", ", day_text(*report.started), " ", clock_text(*report.started));
    if (report.ended) out += " to " + clock_text(*report.ended);
  }
  out += ".\n\n## Summary\n\n";
  sentences(out, report.summary, "Nothing to say yet.");
}

void phase_table(const Report& report, std::string& out) {
  out +=
      "\n## Phases\n\nMilliseconds since the fault was in force.\n\n"
      "| phase | at, ms | took, ms | share | event |\n|---|---:|---:|---:|---|\n";
  for (const Phase& one : report.phases) {
    if (!one.since_in_force_us) {
      out += row({one.name, "–", "–", "–", safe(one.missing)});
      continue;
    }
    out +=
        row({one.name, ms_text(*one.since_in_force_us), one.took_us ? ms_text(*one.took_us) : "–",
             one.share ? share_text(*one.share) : "–", cat("#", *one.seq)});
  }
}

void signal_table(const Report& report, std::string& out) {
  if (report.series.empty()) return;
  out +=
      "\n## Signals\n\n| signal | before | worst | after | over the drill "
      "|\n|---|---:|---:|---:|---|\n";
  for (const SignalSeries& series : report.series) {
    const SeriesFacts facts = series_facts(report, series);
    const auto word = [&](const std::optional<double>& value) {
      return value ? in_unit(*value, facts.unit) : std::string("–");
    };
    double most = facts.unit == "%" ? 1 : 0;
    for (const auto& sample : series.samples) most = std::max(most, sample.second);
    out += row({code(series.signal), word(facts.before), word(facts.worst), word(facts.after),
                sparkline(series, most)});
  }
}

void truth(const Report& report, std::string& out) {
  out +=
      "\n## Injected and detected\n\n| fault | kind | target | in force for | ended | events |\n"
      "|---|---|---|---:|---|---|\n";
  for (const ReportFault& one : report.faults) {
    const bool both = one.live && one.reverted;
    out += row({safe(one.id), safe(one.kind), safe(one.target),
                both ? time_text((*one.reverted - *one.live).count()) : "–", safe(one.ended),
                cites(one.cites)});
  }
  if (report.detections.empty()) return;
  out += "\n| diagnosis | rule | fault | after | why | events |\n|---|---|---|---:|---|---|\n";
  for (const Detection& one : report.detections) {
    out += row({one.grade, safe(one.rule), safe(one.fault),
                one.after_us ? time_text(*one.after_us) : "–", safe(one.why), cites(one.cites)});
  }
}

void expectation_table(const Report& report, std::string& out) {
  if (report.expectations.empty()) return;
  out += "\n## Expectations\n\n| expectation | outcome | observed | event |\n|---|---|---|---|\n";
  for (const ReportExpectation& one : report.expectations) {
    out += row({safe(one.text), met_word(one.ok), safe(one.observed), cat("#", one.seq)});
  }
}

void runs(const Report& report, std::string& out) {
  out += "\n## What was done\n\n";
  if (report.runs.empty()) out += "No runbook was run.\n";
  for (const ReportRun& run : report.runs) {
    out += cat("Runbook **", safe(run.runbook), "**, run `", run.id,
               "`: ", run.outcome.empty() ? "no outcome" : safe(run.outcome),
               run.why.empty() ? "" : ", " + safe(run.why), cites(run.cites),
               "\n\n| # | step | kind | outcome | ms | detail |\n|---:|---|---|---|---:|---|\n");
    for (const ReportStep& step : run.steps) {
      out += row({std::to_string(step.index + 1), safe(step.name), safe(step.kind),
                  step.outcome.empty() ? "no outcome" : safe(step.outcome),
                  step.duration_us ? ms_text(*step.duration_us) : "–", safe(step.detail)});
    }
    out += "\n";
  }
  if (report.refusals.empty()) return;
  out += "Refused:\n\n";
  sentences(out, report.refusals, "");
}

void ledger(const Report& report, std::string& out) {
  out += "\n## Ledger\n\n";
  if (!report.ledger) {
    out += "The ledger was not audited.\n";
    return;
  }
  out += cat("**", safe(report.ledger->verdict), "** [#", report.ledger->seq, "]");
  for (const std::string& why : report.ledger->why) out += "; " + safe(why);
  out += "\n\n| | count | | ids |\n|---|---:|---|---|\n";
  for (const LedgerLine& line : report.ledger->lines) {
    out += row({safe(line.name), line.count ? std::to_string(*line.count) : "unknown",
                line.must_be ? cat("must be ", *line.must_be) : "", safe(join(line.ids, ", "))});
  }
  if (!report.ledger->conservation.empty()) {
    out += cat("\nConservation: ", safe(report.ledger->conservation), "\n");
  }
  if (report.ledger->not_checked.empty()) return;
  out += "\nNot checked, whatever the verdict:\n\n";
  for (const std::string& what : report.ledger->not_checked) out += cat("- ", safe(what), "\n");
}

void timeline(const Report& report, std::string& out) {
  out += "\n## Timeline\n\n| since in force | | what | event |\n|---:|---|---|---|\n";
  for (const TimelineLine& line : report.timeline) {
    out +=
        row({line.since_in_force_us ? seconds_text(*line.since_in_force_us) : clock_text(line.at),
             line.what, safe(line.text), cat("#", line.seq)});
  }
}

void closing(const Report& report, std::string& out) {
  out += "\n## What went well\n\n";
  sentences(out, report.went_well, "Nothing that a rule could tell; add your own.");
  out += "\n## What went badly\n\n";
  sentences(out, report.went_badly, "Nothing that a rule could tell; add your own.");
  out += "\n## For people to answer\n\nWe ask about the system, not about persons.\n\n";
  for (const std::string& prompt : report.prompts) out += cat("- ", safe(prompt), "\n  - \n");
  if (report.replay.empty()) return;
  out += cat("\n## Run it again\n\n", code(report.replay), "\n");
}

}  // namespace

std::string report_markdown(const Report& report) {
  std::string out;
  head(report, out);
  phase_table(report, out);
  signal_table(report, out);
  truth(report, out);
  expectation_table(report, out);
  runs(report, out);
  ledger(report, out);
  timeline(report, out);
  closing(report, out);
  return out;
}

}  // namespace panshi::controller
