// SPDX-License-Identifier: Apache-2.0
// Report: the retro of one drill, made from its journal alone.
//
//     const Report report = make_report(events, drill, series);
//     write(report_markdown(report), report_html(report), report_json(report));
//
// Promises: the same events give the same report, byte for byte; that of a drill that is over ends
// with it and is the same whenever it is made; every sentence with a number cites
// the events it was read from; what was not seen is absent with a reason, never estimated; nobody
// is blamed. Pure: no clock, file or socket. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/events/phases.h"
#include "core/base/clock.h"
#include "core/model/event.h"

namespace panshi::controller {

// Samples of one signal, oldest first. `node` may be empty.
struct SignalSeries {
  std::string signal;
  std::string node;
  std::vector<std::pair<WallTime, double>> samples;
};

// A sentence and the seqs of the events it was read from.
struct Cited {
  std::string text;
  std::vector<std::int64_t> cites;
};

struct TimelineLine {
  std::int64_t seq = 0;
  WallTime at{};
  std::optional<std::int64_t> since_in_force_us;  // absent when nothing came into force
  std::string what;                               // drill | broken | seen | done | refused
  std::string text;
};

struct ReportFault {
  std::string id;
  std::string kind;
  std::string target;              // "service cardkeys-primary"
  std::vector<std::string> names;  // every name it may be found under: service, link, node
  std::string measured;            // as the agent measured it; may be empty
  std::optional<WallTime> live;
  std::optional<WallTime> reverted;
  std::string ended;  // why it ended, or the error
  std::string left;   // what its revert could not give back, and why
  std::string stuck;  // why it could not be reverted when it was due
  std::vector<std::int64_t> cites;
};

// What was injected against what was diagnosed.
struct Detection {
  std::string fault;  // empty for a false alarm or a consequence
  std::string rule;   // empty when missed
  std::string grade;  // right | late | wrong | missed | false alarm | consequence
  std::optional<std::int64_t> after_us;
  std::string why;
  std::vector<std::int64_t> cites;
};

struct ReportExpectation {
  std::string text;
  std::optional<bool> ok;
  std::string observed;
  std::int64_t seq = 0;
};

struct ReportStep {
  std::int64_t index = 0;
  std::string name;
  std::string kind;
  std::string outcome;  // empty: no outcome in the journal
  std::optional<std::int64_t> duration_us;
  std::string detail;
  std::vector<std::int64_t> cites;
};

struct ReportRun {
  std::string id;
  std::string runbook;
  std::string outcome;
  std::string why;
  std::vector<ReportStep> steps;
  std::vector<std::int64_t> cites;
};

struct LedgerLine {
  std::string name;
  std::optional<std::int64_t> count;
  std::optional<std::int64_t> must_be;  // absent: any
  std::vector<std::string> ids;
};

struct Ledger {
  std::string verdict;  // valid | invalid | unknown
  std::vector<std::string> why;
  std::vector<LedgerLine> lines;
  std::vector<std::string> not_checked;  // in words, whatever the verdict
  std::string conservation;  // "holds", or what does not add up; "": not part of this audit
  bool conservation_ok = true;
  std::int64_t seq = 0;
};

struct Report {
  std::string drill;
  std::string scenario;
  std::string title;
  std::string about;  // the scenario's summary
  std::string version;
  std::optional<std::int64_t> seed;
  std::string replay;   // the command line that runs it again
  std::string verdict;  // pass | fail | unknown; `running` until the drill is done
  bool aborted = false;
  std::vector<Cited> why;
  std::optional<WallTime> started;
  std::optional<WallTime> ended;
  std::vector<Cited> summary;
  std::vector<TimelineLine> timeline;
  std::vector<Phase> phases;
  std::vector<ReportFault> faults;
  std::vector<Detection> detections;
  std::vector<ReportExpectation> expectations;
  std::vector<ReportRun> runs;
  std::vector<Cited> refusals;
  std::optional<Ledger> ledger;
  std::vector<Cited> went_well;
  std::vector<Cited> went_badly;
  std::vector<std::string> prompts;  // left for people
  std::vector<SignalSeries> series;
  std::vector<Event> events;     // the record everything above was read from
  std::int64_t through_seq = 0;  // of the record's last event: it has all up to there
};

// `events` may hold other drills' too; those of `drill` and the unowned ones within its time count.
Report make_report(const std::vector<Event>& events, const std::string& drill,
                   const std::vector<SignalSeries>& series);

// The signals worth a graph: the bundled shop's customers', those of the rules that fired, and
// those that the scenario names.
std::vector<std::string> signals_wanted(const std::vector<Event>& events, const std::string& drill);

// The events that a report of `drill` is made from, of those given.
std::vector<Event> events_of_report(const std::vector<Event>& events, const std::string& drill);

// The time that the graphs show: from ten seconds before the first event to the end of the drill,
// or to the last event when it has not ended.
struct SampleSpan {
  WallTime from{};
  WallTime to{};
  // By (signal, node): how far the samples had come when the drill ended. Series that are not there
  // had none since the controller's last start. Absent: the drill is not over, or its journal is
  // from before this was kept.
  std::optional<std::map<std::pair<std::string, std::string>, WallTime>> through;

  bool has(const SignalSeries& series, WallTime at) const;
};
inline constexpr Duration kShownBefore = std::chrono::seconds(10);
SampleSpan sample_span(const std::vector<Event>& own);  // `own`: as events_of_report() gives them

std::string report_markdown(const Report& report);
std::string report_html(const Report& report);     // one file: no script, nothing fetched
nlohmann::json report_json(const Report& report);  // holds the record: events and samples

}  // namespace panshi::controller
