// SPDX-License-Identifier: Apache-2.0
// Promise: a weekly time means what people on the spot mean by it, also when clocks change.
#include "core/model/calendar.h"

#include <catch2/catch.hpp>

namespace panshi {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

WallTime at(int year, unsigned month, unsigned day, int hour, int minute) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  return WallTime(sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute));
}

DrillDay weekly(int weekday, int hour, int minute, const char* zone) {
  return {"day", weekday, hour, minute, zone, {"x"}, true, 1h};
}

TEST_CASE("Wednesday 15:00 in Shanghai is 07:00 UTC, every week once") {
  const DrillDay day = weekly(3, 15, 0, "Asia/Shanghai");
  const WallTime first = at(2026, 11, 18, 7, 0);
  CHECK(next_due(day, at(2026, 11, 12, 0, 0)).value() == first);
  CHECK(next_due(day, first - 1us).value() == first);
  CHECK(next_due(day, first).value() == first + 24h * 7);
}

TEST_CASE("the day is that of the zone, not of UTC") {
  CHECK(next_due(weekly(1, 1, 0, "Asia/Shanghai"), at(2026, 11, 20, 0, 0)).value() ==
        at(2026, 11, 22, 17, 0));  // Monday there, Sunday in UTC
  CHECK(next_due(weekly(0, 23, 30, "America/Los_Angeles"), at(2026, 11, 20, 0, 0)).value() ==
        at(2026, 11, 23, 7, 30));
}

TEST_CASE("a time that the change skips is the first instant that exists") {
  // 2026-03-29 in Berlin: 02:00 becomes 03:00 at 01:00 UTC.
  CHECK(next_due(weekly(0, 2, 30, "Europe/Berlin"), at(2026, 3, 28, 0, 0)).value() ==
        at(2026, 3, 29, 1, 0));
}

TEST_CASE("a time that the change repeats is its first occurrence, once") {
  // 2026-10-25 in Berlin: 02:30 comes at 00:30 and at 01:30 UTC.
  const DrillDay day = weekly(0, 2, 30, "Europe/Berlin");
  CHECK(next_due(day, at(2026, 10, 24, 0, 0)).value() == at(2026, 10, 25, 0, 30));
  CHECK(next_due(day, at(2026, 10, 25, 0, 30)).value() == at(2026, 11, 1, 1, 30));
}

TEST_CASE("an unknown zone names the nearest") {
  CHECK(check_zone("Asia/Shanghia").error().message ==
        "unknown time zone `Asia/Shanghia` (did you mean `Asia/Shanghai`?)");
  CHECK(check_zone("UTC"));
}

}  // namespace
}  // namespace panshi
