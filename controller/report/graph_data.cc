// SPDX-License-Identifier: Apache-2.0
#include "controller/report/graph_data.h"

#include <algorithm>
#include <charconv>

#include "controller/events/event_data.h"
#include "controller/report/sections.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

constexpr double kBeforeS = 5;
constexpr double kGap_s = 3;
constexpr int kSlices = 700;

double seconds(WallTime zero, WallTime at) {
  return static_cast<double>((at - zero).count()) / 1e6;
}

// "Keys are late: latency_ms > 150, seen 194.97": the number after the signal and its comparison.
std::optional<double> limit_in(const std::string& text, const std::string& signal) {
  const std::size_t at = text.find(signal + " ");
  if (signal.empty() || at == std::string::npos) return std::nullopt;
  const std::vector<std::string> words = split(text.substr(at), ' ');
  if (words.size() < 3) return std::nullopt;
  double value = 0;
  const char* const end = words[2].data() + words[2].size();
  const auto [stop, error] = std::from_chars(words[2].data(), end, value);
  const bool whole = stop == end || (stop + 1 == end && *stop == ',');
  return error == std::errc() && whole ? std::optional(value) : std::nullopt;
}

// The two ends of one slice, in the order of time.
void flush(std::vector<GraphPoint>& slice, GraphPoints& points) {
  if (slice.empty()) return;
  const auto by_value = [](const GraphPoint& a, const GraphPoint& b) { return a.value < b.value; };
  const auto [low, high] = std::minmax_element(slice.begin(), slice.end(), by_value);
  GraphPoint first = low < high ? *low : *high;
  const GraphPoint second = low < high ? *high : *low;
  first.gap_before = slice.front().gap_before;
  points.push_back(first);
  if (low != high) points.push_back({second.second, second.value, false});
  slice.clear();
}

}  // namespace

GraphRange graph_range(const Report& report) {
  GraphRange range;
  const std::optional<WallTime> live = phase(report, "in force").at;
  if (report.events.empty() && !live) return range;
  const WallTime from = report.started.value_or(report.events.front().at);
  WallTime to = report.ended.value_or(report.events.back().at);
  for (const Event& event : report.events) to = std::max(to, event.at);
  range.zero = live.value_or(from);
  // Some of how it was before, also when the steady state was met at once.
  range.from_s = std::min(seconds(range.zero, from), -kBeforeS);
  range.to_s = std::max(seconds(range.zero, to), range.from_s + 1);
  return range;
}

GraphPoints graph_points(const SignalSeries& series, const GraphRange& range) {
  GraphPoints points;
  std::vector<GraphPoint> slice;
  const double width = (range.to_s - range.from_s) / kSlices;
  int slice_number = -1;
  std::optional<double> last;
  for (const auto& [at, value] : series.samples) {
    const double second = seconds(range.zero, at);
    if (second < range.from_s || second > range.to_s) continue;
    const bool gap = last && second - *last > kGap_s;
    const int number = static_cast<int>((second - range.from_s) / width);
    if (gap || number != slice_number) flush(slice, points);
    slice_number = number;
    slice.push_back({second, value, gap});
    last = second;
  }
  flush(slice, points);
  return points;
}

std::optional<double> graph_limit(const Report& report, const std::string& signal) {
  for (const Event& event : report.events) {
    if (event.kind != "breach.opened" || text_of(event.data, "signal") != signal) continue;
    if (const auto limit = limit_in(text_of(event.data, "text"), signal)) return limit;
  }
  const Event* started = first_event(report, "drill.started");
  if (started == nullptr) return std::nullopt;
  const nlohmann::json& steady = value_of(value_of(started->data, "scenario"), "steady_state");
  const nlohmann::json& checks = value_of(steady, "checks");
  for (const nlohmann::json& check : checks.is_array() ? checks : nlohmann::json::array()) {
    if (text_of(check, "signal") == signal) return number_of(check, "value");
  }
  return std::nullopt;
}

std::vector<GraphMark> graph_marks(const Report& report) {
  std::vector<GraphMark> marks;
  const std::optional<WallTime> zero = phase(report, "in force").at;
  if (!zero) return marks;
  const auto add = [&](std::optional<WallTime> at, const char* what, std::string label) {
    if (!at || marks.size() >= 16) return;
    marks.push_back({seconds(*zero, *at), what, std::move(label), 0, false});
  };
  for (const ReportFault& fault : report.faults) {
    add(fault.live, "broken", fault.id + " in force");
    add(fault.reverted, "broken", fault.id + " reverted");
  }
  add(phase(report, "detected").at, "seen", "detected");
  for (const Event& event : report.events) {
    if (event.kind != "step.done" || text_of(event.data, "outcome") != "ok") continue;
    for (const ReportRun& run : report.runs) {
      if (run.id != run_of(event)) continue;
      for (const ReportStep& step : run.steps) {
        if (step.index == integer_of(event.data, "step")) add(event.at, "done", step.kind);
      }
    }
  }
  add(phase(report, "SLO met").at, "seen", "SLO met");
  std::stable_sort(marks.begin(), marks.end(),
                   [](const GraphMark& a, const GraphMark& b) { return a.x < b.x; });
  return marks;
}

void join_close_marks(std::vector<GraphMark>& marks, double distance) {
  std::vector<GraphMark> joined;
  for (GraphMark& mark : marks) {
    const auto near = std::find_if(joined.begin(), joined.end(), [&](const GraphMark& other) {
      return other.what == mark.what && mark.x - other.x < distance;
    });
    if (near == joined.end()) {
      joined.push_back(std::move(mark));
    } else {
      near->label += ", " + mark.label;
    }
  }
  marks = std::move(joined);
}

}  // namespace panshi::controller
