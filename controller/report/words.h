// SPDX-License-Identifier: Apache-2.0
// Words and tones (good, bad, unsure) that Markdown and HTML share, and times as text in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace panshi::controller {

const char* met_word(const std::optional<bool>& ok);  // met | not met | unknown
const char* verdict_tone(std::string_view verdict);
const char* grade_tone(std::string_view grade);
const char* outcome_tone(std::string_view outcome);

std::string share_text(double share);       // "12 %", "<1 %"
std::string seconds_text(std::int64_t us);  // "+0.312 s"
std::string clock_text(WallTime at);        // "15:04:05.123"
std::string day_text(WallTime at);          // "2026-11-22 (UTC)"

}  // namespace panshi::controller
