// SPDX-License-Identifier: Apache-2.0
#include "core/model/calendar.h"

#include <date/tz.h>

#include "core/base/text.h"

namespace panshi {
namespace {

std::vector<std::string> zone_names() {
  std::vector<std::string> names;
  try {
    for (const auto& zone : date::get_tzdb().zones) names.push_back(zone.name());
  } catch (const std::exception&) {
    names.clear();  // no zone data: nothing to suggest
  }
  return names;
}

Result<const date::time_zone*> find_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return fail(ErrorCode::kNotFound,
                cat("unknown time zone `", name, "`", did_you_mean(name, zone_names())));
  }
}

WallTime to_wall(const date::time_zone& zone, date::local_seconds local) {
  const date::local_info info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) return WallTime(info.first.end);
  return WallTime(date::sys_seconds(local.time_since_epoch()) - info.first.offset);
}

}  // namespace

Status check_zone(const std::string& zone) {
  const auto found = find_zone(zone);
  if (!found) return tl::unexpected<Error>(found.error());
  return {};
}

Result<WallTime> next_due(const DrillDay& day, WallTime after) {
  ASSIGN_OR_RETURN(const date::time_zone* zone, find_zone(day.zone));
  const auto local = zone->to_local(std::chrono::floor<std::chrono::seconds>(after));
  auto candidate = std::chrono::floor<date::days>(local) - date::days(1);
  for (int i = 0; i < 16; ++i, candidate += date::days(1)) {
    if (date::weekday(candidate) != date::weekday(static_cast<unsigned>(day.weekday))) continue;
    const WallTime due =
        to_wall(*zone, candidate + std::chrono::hours(day.hour) + std::chrono::minutes(day.minute));
    if (due > after) return due;
  }
  return fail(ErrorCode::kInternal, "no due time within two weeks");
}

}  // namespace panshi
