// SPDX-License-Identifier: Apache-2.0
#include "controller/report/read_report.h"

#include "controller/events/event_data.h"
#include "controller/report/event_json.h"

namespace panshi::controller {

Result<Report> read_report(const nlohmann::json& document) {
  const nlohmann::json& record = value_of(document, "record");
  if (!record.is_object()) {
    return fail(ErrorCode::kInvalid, "not a report: it has no `record` to recompute from");
  }
  ASSIGN_OR_RETURN(const std::vector<Event> events, read_events(value_of(record, "events")));
  std::vector<SignalSeries> series;
  const nlohmann::json& signals = value_of(record, "signals");
  for (const nlohmann::json& item : signals.is_array() ? signals : nlohmann::json::array()) {
    ASSIGN_OR_RETURN(SignalSeries one, read_series(item));
    series.push_back(std::move(one));
  }
  Report report = make_report(events, text_of(document, "drill"), series);
  report.through_seq = integer_of(record, "through_seq").value_or(report.through_seq);
  return report;
}

}  // namespace panshi::controller
