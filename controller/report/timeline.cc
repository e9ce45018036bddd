// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "controller/report/event_text.h"
#include "controller/report/sections.h"

namespace panshi::controller {

void add_timeline(Report& report) {
  const std::optional<WallTime> zero = phase(report, "in force").at;
  for (const Event& event : report.events) {
    std::optional<EventText> line = event_text(event);
    if (!line) continue;
    TimelineLine entry{event.seq, event.at, {}, std::move(line->what), std::move(line->text)};
    if (zero) entry.since_in_force_us = (event.at - *zero).count();
    report.timeline.push_back(std::move(entry));
  }
  std::stable_sort(report.timeline.begin(), report.timeline.end(),
                   [](const TimelineLine& a, const TimelineLine& b) { return a.at < b.at; });
}

}  // namespace panshi::controller
