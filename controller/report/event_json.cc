// SPDX-License-Identifier: Apache-2.0
#include "controller/report/event_json.h"

#include "controller/events/event_data.h"
#include "core/base/text.h"

namespace panshi::controller {

Result<std::vector<Event>> read_events(const nlohmann::json& list) {
  if (!list.is_array()) return fail(ErrorCode::kInvalid, "events: wants a list");
  std::vector<Event> events;
  for (const nlohmann::json& item : list) {
    ASSIGN_OR_RETURN(Event event, event_from_json(item));
    events.push_back(std::move(event));
  }
  return events;
}

nlohmann::json series_json(const SignalSeries& series) {
  nlohmann::json samples = nlohmann::json::array();
  for (const auto& [at, value] : series.samples) {
    samples.push_back(nlohmann::json::array({to_us(at), value}));
  }
  return {{"signal", series.signal}, {"node", series.node}, {"samples", std::move(samples)}};
}

Result<SignalSeries> read_series(const nlohmann::json& json) {
  SignalSeries series{text_of(json, "signal"), text_of(json, "node"), {}};
  if (series.signal.empty()) return fail(ErrorCode::kInvalid, "signals: signal is missing");
  const nlohmann::json& samples = value_of(json, "samples");
  for (const nlohmann::json& sample : samples.is_array() ? samples : nlohmann::json::array()) {
    const bool fits = sample.is_array() && sample.size() == 2 && sample[0].is_number_integer() &&
                      sample[1].is_number();
    if (!fits) return fail(ErrorCode::kInvalid, series.signal + ": a sample wants [at_us, value]");
    series.samples.emplace_back(from_us(sample[0].get<std::int64_t>()), sample[1].get<double>());
  }
  return series;
}

}  // namespace panshi::controller
