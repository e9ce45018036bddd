// SPDX-License-Identifier: Apache-2.0
#include "controller/report/series.h"

#include <algorithm>

#include "controller/events/event_data.h"
#include "controller/events/named_signals.h"
#include "controller/report/sections.h"
#include "controller/report/wording.h"
#include "core/base/text.h"
#include "core/model/worse.h"

namespace panshi::controller {
namespace {

struct Mean {
  double sum = 0;
  std::size_t count = 0;
  void add(double value) { sum += value, ++count; }
  std::optional<double> value() const {
    return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
  }
};

std::optional<WallTime> last_revert(const Report& report) {
  std::optional<WallTime> last;
  for (const ReportFault& fault : report.faults) {
    if (fault.live && !fault.reverted) return std::nullopt;
    if (fault.reverted && (!last || *fault.reverted > *last)) last = fault.reverted;
  }
  return last;
}

// What is wanted of a signal: what the scenario says, else the opposite of the rule that fired on
// it ("one.up < 1, seen 0"), else what its name says.
Comparison wanted_of(const Report& report, const std::string& signal) {
  if (const Event* started = first_event(report, "drill.started")) {
    for (Comparison& one : wanted_of_signals(value_of(started->data, "scenario"))) {
      if (one.signal == signal && one.is != "!=") return one;
    }
  }
  Comparison by_name{.signal = signal, .node = {}, .is = "<"};
  const std::string unit = unit_of(signal);
  if (unit == "%" || unit == "per s" || signal.ends_with(".up")) by_name.is = ">";
  for (const Event& event : report.events) {
    if (event.kind != "breach.opened" || text_of(event.data, "signal") != signal) continue;
    const std::string text = text_of(event.data, "text");
    const std::size_t at = text.find(signal + " ");
    if (at == std::string::npos) continue;
    const std::string wanted = opposite_of(split(text.substr(at), ' ')[1]);
    if (wanted.starts_with('<') || wanted.starts_with('>')) by_name.is = wanted;
  }
  return by_name;
}

}  // namespace

std::string unit_of(const std::string& signal) {
  if (signal.ends_with("_ratio")) return "%";
  if (signal.ends_with("_ms")) return "ms";
  return signal.ends_with("_per_second") ? "per s" : "";
}

std::string in_unit(double value, const std::string& unit) {
  if (unit == "%") return value_text(value * 100) + " %";
  return unit.empty() ? value_text(value) : value_text(value) + " " + unit;
}

SeriesFacts series_facts(const Report& report, const SignalSeries& series) {
  SeriesFacts facts{series.signal, unit_of(series.signal), {}, {}, {}, series.samples.size()};
  const std::optional<WallTime> live = phase(report, "in force").at;
  if (!live) return facts;
  const std::optional<WallTime> end = last_revert(report);
  const Comparison wanted = wanted_of(report, series.signal);
  Mean before;
  Mean after;
  for (const auto& [at, value] : series.samples) {
    if (at < *live) {
      before.add(value);
    } else if (end && at > *end) {
      after.add(value);
    } else {
      facts.worst = facts.worst ? worse_of(wanted, *facts.worst, value) : value;
    }
  }
  facts.before = before.value();
  facts.after = after.value();
  return facts;
}

}  // namespace panshi::controller
