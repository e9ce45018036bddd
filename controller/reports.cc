// SPDX-License-Identifier: Apache-2.0
#include "controller/reports.h"

#include <algorithm>

#include "controller/limits.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"

namespace panshi::controller {
Reports::Reports(JournalReader& journal, SignalStore& signals, std::filesystem::path directory)
    : journal_(journal), signals_(signals), directory_(std::move(directory)) {}

Result<std::vector<Event>> Reports::read_range(JournalQuery query, std::int64_t last) const {
  std::vector<Event> events;
  while (query.after < last) {
    ASSIGN_OR_RETURN(JournalPage page, journal_.read(query));
    for (Event& event : page.events) {
      if (event.seq <= last) events.push_back(std::move(event));
    }
    if (page.next <= query.after) break;
    query.after = page.next;
  }
  return events;
}

Result<std::vector<Event>> Reports::events_around(const std::string& drill) const {
  constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
  const auto nothing = [&drill] {
    return fail(ErrorCode::kNotFound, cat("there is no drill `", drill, "`"));
  };
  if (!is_id(drill)) return nothing();
  ASSIGN_OR_RETURN(const auto own,
                   read_range({.limit = limits::kEventPageMax, .drill = drill}, kAll));
  if (own.empty()) return nothing();
  const auto done = std::find_if(own.begin(), own.end(),
                                 [](const Event& event) { return event.kind == "drill.done"; });
  // What belongs to no drill (agents, doubts) stands between its events.
  return read_range({.after = own.front().seq - 1, .limit = limits::kEventPageMax, .drill = {}},
                    done == own.end() ? own.back().seq : done->seq);
}

Result<Report> Reports::make(const std::string& drill) const {
  ASSIGN_OR_RETURN(const auto events, events_around(drill));
  const SampleSpan span = sample_span(events_of_report(events, drill));
  std::vector<SignalSeries> series;
  for (const std::string& signal : signals_wanted(events, drill)) {
    for (const std::string& node : signals_.nodes_of(signal)) {
      ASSIGN_OR_RETURN(auto samples, signals_.read({.signal = signal,
                                                    .node = node,
                                                    .from = span.from,
                                                    .to = span.to,
                                                    .limit = limits::kSamplePageMax}));
      series.push_back({.signal = signal, .node = node, .samples = std::move(samples)});
    }
  }
  return make_report(events, drill, series);
}

Result<nlohmann::json> Reports::write(const std::string& drill) const {
  ASSIGN_OR_RETURN(const Report report, make(drill));
  std::error_code failed;
  std::filesystem::create_directories(directory_, failed);
  nlohmann::json files = nlohmann::json::array();
  const auto put = [&](const char* ending, const std::string& text) -> Status {
    const auto file = directory_ / cat(drill, ending);
    files.push_back(file.string());
    return write_file_durably(file, text, 0600);
  };
  for (const auto& written :
       {put(".md", report_markdown(report)), put(".html", report_html(report)),
        put(".json", dump_json_pretty(report_json(report)))}) {
    if (!written) return fail(written.error(), "write the report");
  }
  return nlohmann::json{{"report", drill}, {"files", files}};
}

}  // namespace panshi::controller
