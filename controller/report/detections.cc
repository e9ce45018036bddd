// SPDX-License-Identifier: Apache-2.0
// Grades what the rules said against what was really injected.
#include <algorithm>
#include <map>

#include "controller/events/event_data.h"
#include "controller/report/sections.h"
#include "controller/report/wording.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

// Rules the scenario names, with the time it allows them; 0 when it allows any.
std::map<std::string, Duration> expected_rules(const Report& report) {
  std::map<std::string, Duration> expected;
  const Event* started = first_event(report, "drill.started");
  if (started == nullptr) return expected;
  const nlohmann::json& list = value_of(value_of(started->data, "scenario"), "expect");
  for (const nlohmann::json& item : list.is_array() ? list : nlohmann::json::array()) {
    const std::string rule = text_of(item, "breach");
    if (rule.empty()) continue;
    const Result<Duration> within = parse_duration(text_of(item, "within"));
    expected[rule] = within ? *within : Duration(0);
  }
  return expected;
}

bool names_fault(const Event& breach, const ReportFault& fault) {
  const std::vector<std::string> named = target_names(value_of(breach.data, "target"));
  return std::any_of(named.begin(), named.end(), [&](const std::string& name) {
    return std::find(fault.names.begin(), fault.names.end(), name) != fault.names.end();
  });
}

std::int64_t live_seq(const ReportFault& fault) { return fault.cites.empty() ? 0 : fault.cites[0]; }

Detection detection(const ReportFault& fault, const Event& breach, std::string grade,
                    std::string why) {
  return {fault.id,         text_of(breach.data, "rule"),
          std::move(grade), (breach.at - *fault.live).count(),
          std::move(why),   {live_seq(fault), breach.seq}};
}

using Breaches = std::vector<const Event*>;

// The fault was live when the breach opened. A killed service is missed a moment before its agent
// has said so, hence the slack.
bool during(const Event& breach, const ReportFault& fault) {
  constexpr Duration kSlack = std::chrono::milliseconds(100);
  return fault.live && breach.at >= *fault.live - kSlack &&
         (!fault.reverted || breach.at <= *fault.reverted + std::chrono::seconds(5));
}

Detection grade(const ReportFault& fault, const Breaches& breaches,
                const std::map<std::string, Duration>& expected) {
  const Event* other = nullptr;
  for (const Event* breach : breaches) {
    if (!during(*breach, fault)) continue;
    const auto asked = expected.find(text_of(breach->data, "rule"));
    if (asked == expected.end() && !names_fault(*breach, fault)) {
      if (other == nullptr) other = breach;
      continue;
    }
    const Duration after = breach->at - *fault.live;
    const Duration within = asked == expected.end() ? Duration(0) : asked->second;
    if (within.count() > 0 && after > within) {
      return detection(fault, *breach, "late", duration_text(within) + " was allowed");
    }
    return detection(fault, *breach, "right",
                     within.count() > 0 ? "within the allowed " + duration_text(within)
                                        : "names what was broken");
  }
  if (other != nullptr) {
    return detection(fault, *other, "wrong",
                     "the first breach names " + target_text(value_of(other->data, "target")));
  }
  return {fault.id, "", "missed", {}, "no breach was opened while it was in force", fault.cites};
}

}  // namespace

void add_detections(Report& report) {
  const std::map<std::string, Duration> expected = expected_rules(report);
  Breaches breaches;
  for (const Event& event : report.events) {
    if (event.kind == "breach.opened") breaches.push_back(&event);
  }
  std::sort(breaches.begin(), breaches.end(),
            [](const Event* a, const Event* b) { return a->at < b->at; });
  for (const ReportFault& fault : report.faults) {
    if (fault.live) report.detections.push_back(grade(fault, breaches, expected));
  }
  for (const Event* breach : breaches) {
    const auto used = [&](const Detection& one) {
      return std::find(one.cites.begin(), one.cites.end(), breach->seq) != one.cites.end();
    };
    if (std::any_of(report.detections.begin(), report.detections.end(), used)) continue;
    const bool caused = std::any_of(report.faults.begin(), report.faults.end(),
                                    [&](const ReportFault& f) { return during(*breach, f); });
    report.detections.push_back(
        {"",
         text_of(breach->data, "rule"),
         caused ? "consequence" : "false alarm",
         {},
         caused ? "opened while a fault was in force" : "opened while nothing was broken",
         {breach->seq}});
  }
}

}  // namespace panshi::controller
