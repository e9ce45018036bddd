// SPDX-License-Identifier: Apache-2.0
#include "controller/report/series.h"

#include <algorithm>

#include "controller/report/sections.h"
#include "controller/report/wording.h"

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
  const bool low_is_bad = facts.unit == "%" || facts.unit == "per s";
  Mean before;
  Mean after;
  for (const auto& [at, value] : series.samples) {
    if (at < *live) {
      before.add(value);
    } else if (end && at > *end) {
      after.add(value);
    } else if (!facts.worst || (low_is_bad ? value < *facts.worst : value > *facts.worst)) {
      facts.worst = value;
    }
  }
  facts.before = before.value();
  facts.after = after.value();
  return facts;
}

}  // namespace panshi::controller
