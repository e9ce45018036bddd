// SPDX-License-Identifier: Apache-2.0
#include "controller/report/page.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "controller/report/graph.h"
#include "controller/report/list.h"
#include "controller/report/sections.h"
#include "controller/report/series.h"
#include "controller/report/wording.h"
#include "controller/report/words.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using Json = nlohmann::json;
using Seqs = std::set<std::int64_t>;

Json cites(const std::vector<std::int64_t>& seqs, const Seqs& shown) {
  return list(seqs, [&](std::int64_t seq) {
    return Json{{"seq", std::to_string(seq)}, {"shown", shown.contains(seq)}};
  });
}

Json cited(const Cited& one, const Seqs& shown) {
  return {{"text", one.text}, {"cites", cites(one.cites, shown)}};
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", share * 100);
  return text;
}

Json phase_row(const Phase& one, std::int64_t whole_us, const Seqs& shown) {
  const bool seen = one.since_in_force_us.has_value();
  double left = 0;
  if (seen && one.took_us && whole_us > 0) {
    left =
        static_cast<double>(*one.since_in_force_us - *one.took_us) / static_cast<double>(whole_us);
  }
  return {{"name", one.name},
          {"seen", seen},
          {"at", seen ? ms_text(*one.since_in_force_us) : ""},
          {"took", one.took_us ? ms_text(*one.took_us) : "–"},
          {"share", one.share ? share_text(*one.share) : ""},
          {"left", percent(std::clamp(left, 0.0, 1.0))},
          {"width", percent(one.share.value_or(0))},
          {"missing", one.missing},
          {"cites", cites(one.seq ? std::vector{*one.seq} : std::vector<std::int64_t>{}, shown)}};
}

Json phases_view(const Report& report, const Seqs& shown) {
  std::int64_t whole = 0;
  for (const Phase& one : report.phases) {
    whole = std::max(whole, one.since_in_force_us.value_or(0));
  }
  return list(report.phases, [&](const Phase& one) { return phase_row(one, whole, shown); });
}

Json timeline_row(const TimelineLine& one) {
  return {{"seq", std::to_string(one.seq)},
          {"at", one.since_in_force_us ? seconds_text(*one.since_in_force_us) : clock_text(one.at)},
          {"clock", clock_text(one.at)},
          {"what", one.what},
          {"text", one.text}};
}

Json fault_row(const ReportFault& one, const Seqs& shown) {
  const bool both = one.live && one.reverted;
  return {{"id", one.id},
          {"kind", one.kind},
          {"target", one.target},
          {"measured", one.measured},
          {"term", both       ? time_text((*one.reverted - *one.live).count())
                   : one.live ? "no revert in the journal"
                              : "never in force"},
          {"ended", one.ended},
          {"cites", cites(one.cites, shown)}};
}

Json detection_row(const Detection& one, const Seqs& shown) {
  return {{"fault", one.fault.empty() ? "–" : one.fault},
          {"rule", one.rule.empty() ? "–" : one.rule},
          {"grade", one.grade},
          {"tone", grade_tone(one.grade)},
          {"after", one.after_us ? time_text(*one.after_us) : "–"},
          {"why", one.why},
          {"cites", cites(one.cites, shown)}};
}

Json expectation_row(const ReportExpectation& one, const Seqs& shown) {
  return {{"text", one.text},
          {"outcome", met_word(one.ok)},
          {"tone", !one.ok   ? "unsure"
                   : *one.ok ? "good"
                             : "bad"},
          {"observed", one.observed},
          {"cites", cites({one.seq}, shown)}};
}

Json run_view(const ReportRun& one, const Seqs& shown) {
  const auto step = [&](const ReportStep& each) {
    return Json{{"number", std::to_string(each.index + 1)},
                {"name", each.name},
                {"kind", each.kind},
                {"outcome", each.outcome.empty() ? "no outcome" : each.outcome},
                {"tone", outcome_tone(each.outcome)},
                {"took", each.duration_us ? ms_text(*each.duration_us) : "–"},
                {"detail", each.detail},
                {"cites", cites(each.cites, shown)}};
  };
  return {{"id", one.id},
          {"runbook", one.runbook},
          {"outcome", one.outcome.empty() ? "no outcome" : one.outcome},
          {"tone", outcome_tone(one.outcome)},
          {"why", one.why},
          {"steps", list(one.steps, step)},
          {"cites", cites(one.cites, shown)}};
}

Json ledger_view(const Ledger& one, const Seqs& shown) {
  const auto line = [](const LedgerLine& each) {
    const char* tone = !each.must_be                  ? ""
                       : !each.count                  ? "unsure"
                       : *each.count == *each.must_be ? "good"
                                                      : "bad";
    return Json{{"name", each.name},
                {"count", each.count ? std::to_string(*each.count) : "unknown"},
                {"tone", tone},
                {"must", each.must_be ? cat("must be ", *each.must_be) : ""},
                {"ids", join(each.ids, ", ")}};
  };
  return {{"verdict", one.verdict},
          {"tone", one.verdict == "valid"     ? "good"
                   : one.verdict == "invalid" ? "bad"
                                              : "unsure"},
          {"why", list(one.why,
                       [](const std::string& text) {
                         return Json{{"text", text}};
                       })},
          {"lines", list(one.lines, line)},
          {"has_conservation", !one.conservation.empty()},
          {"conservation", one.conservation},
          {"has_not_checked", !one.not_checked.empty()},
          {"not_checked", list(one.not_checked,
                               [](const std::string& text) {
                                 return Json{{"text", text}};
                               })},
          {"conservation_tone", one.conservation_ok ? "good" : "unsure"},
          {"cites", cites({one.seq}, shown)}};
}

Json graphs_view(const Report& report) {
  Json graphs = Json::array();
  for (const SignalSeries& series : report.series) {
    const std::string svg = graph_svg(report, series, static_cast<int>(graphs.size()) + 1);
    if (svg.empty()) continue;
    const SeriesFacts facts = series_facts(report, series);
    const auto word = [&](const std::optional<double>& value) {
      return value ? in_unit(*value, facts.unit) : std::string("–");
    };
    graphs.push_back({{"signal", series.signal},
                      {"before", word(facts.before)},
                      {"worst", word(facts.worst)},
                      {"after", word(facts.after)},
                      {"svg", svg}});
  }
  return graphs;
}

// The few figures a reader looks for first.
Json figures(const Report& report) {
  Json figures = Json::array();
  const auto add = [&](const char* name, const std::string& value, const char* tone) {
    figures.push_back({{"name", name}, {"value", value}, {"tone", tone}});
  };
  const auto add_phase = [&](const char* name, const char* title) {
    const Phase& one = phase(report, name);
    if (one.since_in_force_us) add(title, time_text(*one.since_in_force_us), "");
  };
  add_phase("detected", "detected after");
  add_phase("routed", "routed after");
  add_phase("first good request", "first good request");
  add_phase("SLO met", "service level met");
  if (!report.ledger) return figures;
  for (const LedgerLine& line : report.ledger->lines) {
    if (line.name != "lost" || !line.count) continue;
    add("orders lost", std::to_string(*line.count), *line.count == 0 ? "good" : "bad");
  }
  return figures;
}

Json head(const Report& report) {
  return {{"title", report.title},
          {"about", report.about},
          {"drill", report.drill},
          {"scenario", report.scenario},
          {"verdict", report.verdict},
          {"tone", verdict_tone(report.verdict)},
          {"aborted", report.aborted},
          {"seed", report.seed ? std::to_string(*report.seed) : "none"},
          {"replay", report.replay},
          {"started", report.started ? clock_text(*report.started) : "–"},
          {"ended", report.ended ? clock_text(*report.ended) : "–"},
          {"day", report.started ? day_text(*report.started) : ""}};
}

}  // namespace

Json page_view(const Report& report) {
  Seqs shown;
  for (const TimelineLine& line : report.timeline) shown.insert(line.seq);
  const auto sentence = [&](const Cited& one) { return cited(one, shown); };
  const auto with = [&](auto write) {
    return [&shown, write](const auto& one) { return write(one, shown); };
  };
  Json view = head(report);
  view["figures"] = figures(report);
  view["why"] = list(report.why, sentence);
  view["summary"] = list(report.summary, sentence);
  view["phases"] = phases_view(report, shown);
  view["graphs"] = graphs_view(report);
  view["has_graphs"] = !view["graphs"].empty();
  view["timeline"] = list(report.timeline, timeline_row);
  view["faults"] = list(report.faults, with(fault_row));
  view["detections"] = list(report.detections, with(detection_row));
  view["has_detections"] = !report.detections.empty();
  view["expectations"] = list(report.expectations, with(expectation_row));
  view["has_expectations"] = !report.expectations.empty();
  view["runs"] = list(report.runs, with(run_view));
  view["no_runs"] = report.runs.empty();
  view["refusals"] = list(report.refusals, sentence);
  view["has_refusals"] = !report.refusals.empty();
  view["ledger"] =
      report.ledger ? Json::array({ledger_view(*report.ledger, shown)}) : Json::array();
  view["no_ledger"] = !report.ledger.has_value();
  view["went_well"] = list(report.went_well, sentence);
  view["none_well"] = report.went_well.empty();
  view["went_badly"] = list(report.went_badly, sentence);
  view["none_badly"] = report.went_badly.empty();
  view["prompts"] = list(report.prompts, [](const std::string& text) {
    return Json{{"text", text}};
  });
  return view;
}

}  // namespace panshi::controller
