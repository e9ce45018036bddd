// SPDX-License-Identifier: Apache-2.0
#include "controller/report/words.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace panshi::controller {
namespace {

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[64];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace

const char* met_word(const std::optional<bool>& ok) {
  return !ok ? "unknown" : *ok ? "met" : "not met";
}

const char* verdict_tone(std::string_view verdict) {
  return verdict == "pass" ? "good" : verdict == "fail" ? "bad" : "unsure";
}

const char* grade_tone(std::string_view grade) {
  if (grade == "right") return "good";
  return grade == "late" || grade == "consequence" ? "unsure" : "bad";
}

const char* outcome_tone(std::string_view outcome) {
  return outcome == "ok" ? "good" : outcome == "failed" ? "bad" : "unsure";
}

std::string share_text(double share) {
  if (share > 0 && share < 0.01) return "<1 %";
  return formatted("%.0f %%", share * 100);
}

std::string seconds_text(std::int64_t us) {
  const char* sign = us < 0 ? "-" : "+";
  return formatted("%s%.3f s", sign, static_cast<double>(std::abs(us)) / 1e6);
}

std::string clock_text(WallTime at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::milliseconds>(at) - day);
  return formatted("%02d:%02d:%02d.%03d", static_cast<int>(time.hours().count()),
                   static_cast<int>(time.minutes().count()),
                   static_cast<int>(time.seconds().count()),
                   static_cast<int>(time.subseconds().count()));
}

std::string day_text(WallTime at) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(at));
  return formatted("%04d-%02u-%02u (UTC)", static_cast<int>(date.year()),
                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

}  // namespace panshi::controller
