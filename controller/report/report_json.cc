// SPDX-License-Identifier: Apache-2.0
#include "controller/report/event_json.h"
#include "controller/report/list.h"
#include "controller/report/report.h"
#include "controller/report/series.h"

namespace panshi::controller {
namespace {

using Json = nlohmann::json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}
Json time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(to_us(*time)) : Json();
}

Json cited_json(const Cited& sentence) {
  return {{"text", sentence.text}, {"cites", sentence.cites}};
}

Json line_json(const TimelineLine& one) {
  return {{"seq", one.seq},
          {"at_us", to_us(one.at)},
          {"since_in_force_us", or_null(one.since_in_force_us)},
          {"what", one.what},
          {"text", one.text}};
}

Json fault(const ReportFault& one) {
  const bool both = one.live && one.reverted;
  return {{"id", one.id},
          {"kind", one.kind},
          {"target", one.target},
          {"measured", one.measured},
          {"live_us", time_or_null(one.live)},
          {"reverted_us", time_or_null(one.reverted)},
          {"in_force_us", both ? Json((*one.reverted - *one.live).count()) : Json()},
          {"ended", one.ended},
          {"cites", one.cites}};
}

Json detection_json(const Detection& one) {
  return {{"fault", one.fault}, {"rule", one.rule},
          {"grade", one.grade}, {"after_us", or_null(one.after_us)},
          {"why", one.why},     {"cites", one.cites}};
}

Json expectation(const ReportExpectation& one) {
  return {
      {"text", one.text}, {"ok", or_null(one.ok)}, {"observed", one.observed}, {"seq", one.seq}};
}

Json step(const ReportStep& one) {
  return {{"step", one.index},
          {"name", one.name},
          {"kind", one.kind},
          {"outcome", one.outcome},
          {"duration_us", or_null(one.duration_us)},
          {"detail", one.detail},
          {"cites", one.cites}};
}

Json run(const ReportRun& one) {
  return {{"run", one.id},  {"runbook", one.runbook},         {"outcome", one.outcome},
          {"why", one.why}, {"steps", list(one.steps, step)}, {"cites", one.cites}};
}

Json ledger_line(const LedgerLine& one) {
  return {{"name", one.name},
          {"count", or_null(one.count)},
          {"must_be", or_null(one.must_be)},
          {"ids", one.ids}};
}

Json ledger(const Ledger& one) {
  return {{"verdict", one.verdict},
          {"why", one.why},
          {"lines", list(one.lines, ledger_line)},
          {"not_checked", one.not_checked},
          {"conservation", {{"ok", one.conservation_ok}, {"detail", one.conservation}}},
          {"seq", one.seq}};
}

Json facts(const SeriesFacts& one) {
  return {{"signal", one.signal},          {"unit", one.unit},
          {"before", or_null(one.before)}, {"worst", or_null(one.worst)},
          {"after", or_null(one.after)},   {"samples", one.samples}};
}

}  // namespace

Json report_json(const Report& report) {
  Json json = {{"format", 1},
               {"drill", report.drill},
               {"scenario", report.scenario},
               {"title", report.title},
               {"about", report.about},
               {"seed", or_null(report.seed)},
               {"replay", report.replay},
               {"verdict", report.verdict},
               {"aborted", report.aborted},
               {"started_us", time_or_null(report.started)},
               {"ended_us", time_or_null(report.ended)}};
  json["why"] = list(report.why, cited_json);
  json["summary"] = list(report.summary, cited_json);
  json["timeline"] = list(report.timeline, line_json);
  json["phases"] = phases_json(report.phases);
  json["faults"] = list(report.faults, fault);
  json["detections"] = list(report.detections, detection_json);
  json["expectations"] = list(report.expectations, expectation);
  json["runs"] = list(report.runs, run);
  json["refusals"] = list(report.refusals, cited_json);
  json["ledger"] = report.ledger ? ledger(*report.ledger) : Json();
  json["went_well"] = list(report.went_well, cited_json);
  json["went_badly"] = list(report.went_badly, cited_json);
  json["prompts"] = report.prompts;
  json["signals"] = list(report.series, [&](const SignalSeries& series) {
    return facts(series_facts(report, series));
  });
  json["record"] = {
      {"events", list(report.events, [](const Event& event) { return to_json(event); })},
      {"signals", list(report.series, series_json)},
      {"through_seq", report.through_seq}};
  return json;
}

}  // namespace panshi::controller
