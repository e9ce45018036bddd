// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "controller/events/event_data.h"
#include "controller/events/named_signals.h"
#include "controller/report/report.h"
#include "controller/report/sections.h"
#include "controller/report/wording.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

void add_head(Report& report) {
  report.title = report.drill;
  report.verdict = "running";
  if (const Event* started = first_event(report, "drill.started")) {
    const nlohmann::json& scenario = value_of(started->data, "scenario");
    report.started = started->at;
    report.scenario = text_of(started->data, "name");
    report.about = text_of(scenario, "summary");
    if (std::string title = text_of(scenario, "title"); !title.empty()) report.title = title;
    report.seed = integer_of(started->data, "seed");
    report.replay =
        cat("panshi drill run ", report.scenario, report.seed ? cat(" --seed ", *report.seed) : "");
  }
  const Event* done = last_event(report, "drill.done");
  if (done == nullptr) return;
  report.ended = done->at;
  report.verdict = text_of(done->data, "verdict");
  report.aborted = flag_of(done->data, "aborted").value_or(false);
  for (std::string& why : texts_of(done->data, "why")) {
    report.why.push_back({std::move(why), {done->seq}});
  }
}

ReportFault& fault_named(std::vector<ReportFault>& faults, const std::string& id) {
  const auto found = std::find_if(faults.begin(), faults.end(),
                                  [&](const ReportFault& fault) { return fault.id == id; });
  if (found != faults.end()) return *found;
  ReportFault fault;
  fault.id = id;
  return faults.emplace_back(std::move(fault));
}

// "delay 500.2 ms of 500 ms asked"; a miss is said.
std::string effect_text(const nlohmann::json& effect) {
  const std::string unit = text_of(effect, "unit");
  const auto figure = [&](const char* key) {
    return cat(value_text(number_of(effect, key).value_or(0)), unit.empty() ? "" : " ", unit);
  };
  std::string text =
      cat(text_of(effect, "what"), " ", figure("measured"), " of ", figure("asked"), " asked");
  if (!flag_of(effect, "met")) text += cat(", missed by more than ", figure("tolerance"));
  return text;
}

std::string measured_text(const nlohmann::json& measured) {
  std::vector<std::string> pairs;
  if (!measured.is_object()) return {};
  if (const auto effects = measured.find("effects"); effects != measured.end()) {
    for (const auto& effect : *effects) pairs.push_back(effect_text(effect));
  }
  for (const auto& [key, value] : measured.items()) {
    if (value.is_number()) pairs.push_back(cat(key, " ", value_text(value.get<double>())));
    if (value.is_string()) pairs.push_back(cat(key, " ", value.get<std::string>()));
  }
  return join(pairs, ", ");
}

void add_faults(Report& report) {
  for (const Event& event : report.events) {
    if (!event.kind.starts_with("fault.")) continue;
    ReportFault& fault = fault_named(report.faults, text_of(event.data, "fault"));
    fault.cites.push_back(event.seq);
    if (event.kind == "fault.live" && !fault.live) {
      fault.kind = text_of(event.data, "kind");
      fault.target = target_text(value_of(event.data, "target"));
      fault.names = target_names(value_of(event.data, "target"));
      fault.measured = measured_text(value_of(event.data, "measured"));
      fault.live = event.at;
    } else if (event.kind == "fault.reverted") {
      fault.reverted = event.at;
      fault.ended = text_of(event.data, "reason");
      // Measured over the whole time in force: better than what was known when it began.
      const std::string measured = measured_text(value_of(event.data, "measured"));
      if (!measured.empty()) fault.measured = measured;
      fault.left = text_of(value_of(event.data, "measured"), "left");
    } else if (event.kind == "fault.stuck") {
      fault.stuck = text_of(event.data, "error");
    } else if (event.kind == "fault.failed") {
      fault.ended = text_of(event.data, "error");
    }
  }
}

std::string observed_text(const nlohmann::json& observed) {
  if (observed.is_string()) return observed.get<std::string>();
  return observed.is_number() ? value_text(observed.get<double>()) : std::string();
}

void add_expectations(Report& report) {
  for (const Event& event : report.events) {
    if (event.kind != "drill.expectation") continue;
    ReportExpectation expectation{text_of(event.data, "text"), flag_of(event.data, "ok"),
                                  observed_text(value_of(event.data, "observed")), event.seq};
    const auto same = std::find_if(
        report.expectations.begin(), report.expectations.end(),
        [&](const ReportExpectation& known) { return known.text == expectation.text; });
    if (same == report.expectations.end()) {
      report.expectations.push_back(std::move(expectation));
    } else {
      *same = std::move(expectation);
    }
  }
}

void add_refusals(Report& report) {
  for (const Event& event : report.events) {
    if (event.kind != "run.refused") continue;
    report.refusals.push_back(
        {cat(text_of(event.data, "runbook"), ": ", text_of(event.data, "why")), {event.seq}});
  }
}

}  // namespace

// Events of the drill up to its end, and those that belong to no drill but happened while it ran: a
// report that is made again is the same.
std::vector<Event> events_of_report(const std::vector<Event>& events, const std::string& drill) {
  std::int64_t from = 0;
  std::int64_t to = 0;
  for (const Event& event : events) {
    if (event.drill != drill) continue;
    if (from == 0) from = event.seq;
    if (to == 0 && event.kind == "drill.done") to = event.seq;
  }
  std::vector<Event> selected;
  for (const Event& event : events) {
    const bool within = from > 0 && event.seq >= from && (to == 0 || event.seq <= to);
    if (within && (event.drill == drill || event.drill.empty())) selected.push_back(event);
  }
  return selected;
}

SampleSpan sample_span(const std::vector<Event>& own) {
  SampleSpan span;
  if (own.empty()) return span;
  span.from = span.to = own.front().at;
  for (const Event& event : own) {
    span.from = std::min(span.from, event.at);
    span.to = std::max(span.to, event.at);
  }
  span.from -= kShownBefore;
  const Event& last = own.back();
  if (last.kind != "drill.done") return span;
  span.to = last.at;
  const nlohmann::json& samples = value_of(last.data, "samples");
  if (!samples.is_array()) return span;
  span.through.emplace();
  for (const nlohmann::json& one : samples) {
    const auto through = integer_of(one, "through_us");
    if (!through) continue;
    (*span.through)[{text_of(one, "signal"), text_of(one, "node")}] = from_us(*through);
  }
  return span;
}

bool SampleSpan::has(const SignalSeries& series, WallTime at) const {
  if (at < from || at > to) return false;
  if (!through) return true;
  const auto found = through->find({series.signal, series.node});
  return found != through->end() && at <= found->second;
}

const Event* first_event(const Report& report, std::string_view kind) {
  const auto found = std::find_if(report.events.begin(), report.events.end(),
                                  [&](const Event& event) { return event.kind == kind; });
  return found == report.events.end() ? nullptr : &*found;
}

const Event* last_event(const Report& report, std::string_view kind) {
  const auto found = std::find_if(report.events.rbegin(), report.events.rend(),
                                  [&](const Event& event) { return event.kind == kind; });
  return found == report.events.rend() ? nullptr : &*found;
}

const Phase& phase(const Report& report, std::string_view name) {
  static const Phase kNone;
  const auto found = std::find_if(report.phases.begin(), report.phases.end(),
                                  [&](const Phase& one) { return one.name == name; });
  return found == report.phases.end() ? kNone : *found;
}

std::vector<std::string> signals_wanted(const std::vector<Event>& events,
                                        const std::string& drill) {
  constexpr std::size_t kMax = 8;
  std::vector<std::string> wanted(kCustomerSignals.begin(), kCustomerSignals.end());
  const auto add = [&](const std::string& signal) {
    const bool known = std::find(wanted.begin(), wanted.end(), signal) != wanted.end();
    if (!signal.empty() && !known && wanted.size() < kMax) wanted.push_back(signal);
  };
  const std::vector<Event> own = events_of_report(events, drill);
  for (const Event& event : own) {
    if (event.kind == "breach.opened") add(text_of(event.data, "signal"));
  }
  for (const Event& event : own) {
    if (event.kind != "drill.started") continue;
    for (const std::string& name : signals_named(value_of(event.data, "scenario"))) add(name);
  }
  return wanted;
}

Report make_report(const std::vector<Event>& events, const std::string& drill,
                   const std::vector<SignalSeries>& series) {
  Report report;
  report.drill = drill;
  report.events = events_of_report(events, drill);
  if (!report.events.empty()) report.through_seq = report.events.back().seq;
  report.series = series;
  const SampleSpan span = sample_span(report.events);
  for (SignalSeries& one : report.series) {
    std::erase_if(one.samples, [&](const auto& sample) { return !span.has(one, sample.first); });
  }
  std::erase_if(report.series, [](const SignalSeries& one) { return one.samples.empty(); });
  report.phases = phases(report.events);
  add_head(report);
  add_faults(report);
  add_expectations(report);
  add_runs(report);
  add_refusals(report);
  add_ledger(report);
  add_timeline(report);
  add_detections(report);
  add_summary(report);
  add_findings(report);
  return report;
}

}  // namespace panshi::controller
