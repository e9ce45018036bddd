// SPDX-License-Identifier: Apache-2.0
#include "core/model/schedule.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/text.h"
#include "core/model/names.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

const std::array<std::string, 7> kDays = {"sunday",   "monday", "tuesday", "wednesday",
                                          "thursday", "friday", "saturday"};

// "15:00" from 00:00 to 23:59; false for anything else.
bool read_time(const std::string& text, DrillDay& day) {
  if (text.size() != 5 || text[2] != ':') return false;
  for (const std::size_t digit : {0U, 1U, 3U, 4U}) {  // from_chars would take "-0"
    if (text[digit] < '0' || text[digit] > '9') return false;
  }
  const char* begin = text.data();
  const auto hour = std::from_chars(begin, begin + 2, day.hour);
  const auto minute = std::from_chars(begin + 3, begin + 5, day.minute);
  return hour.ptr == begin + 2 && minute.ptr == begin + 5 && day.hour >= 0 && day.hour < 24 &&
         day.minute >= 0 && day.minute < 60;
}

DrillDay read_drill_day(const nlohmann::json& json, const std::string& path, Problems& problems) {
  DrillDay day;
  Fields in(json, path, problems);
  need_name(in, "name", day.name);
  std::string weekday = kDays.front();
  in.need_word("day", weekday, kDays);
  day.weekday = static_cast<int>(std::find(kDays.begin(), kDays.end(), weekday) - kDays.begin());
  std::string time;
  in.need("time", time);
  if (!time.empty() && !read_time(time, day)) {
    in.problem("time", cat("`", time, "` is not a time of day: expected \"15:00\", in quotes"));
  }
  in.need("zone", day.zone);
  in.need_each("scenarios", [&](const nlohmann::json& item, const std::string& at) {
    if (!item.is_string()) return problems.add(at, "must be the name of a scenario");
    day.scenarios.push_back(item.get<std::string>());
  });
  in.may("enabled", day.enabled);
  in.may("missed_within", day.missed_within, {0ms, 24h * 6});
  in.done();
  return day;
}

}  // namespace

std::vector<DrillDay> read_drill_days(const nlohmann::json& json, Problems& problems) {
  std::vector<DrillDay> days;
  Fields in(json, "", problems);
  in.need_each("drill_days", [&](const nlohmann::json& item, const std::string& path) {
    DrillDay day = read_drill_day(item, path, problems);
    for (const DrillDay& other : days) {
      if (other.name == day.name)
        problems.add(path + ".name", cat("`", day.name, "` is used twice"));
    }
    days.push_back(std::move(day));
  });
  in.done();
  return days;
}

}  // namespace panshi
