// SPDX-License-Identifier: Apache-2.0
// Small text helpers: joining, numbers, durations ("250ms"), sizes ("64MiB"), "did you mean".
//
// Pure; no locale: numbers always use a dot.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi {

// Shortest text that reads back as the same number: 0.5, 250, 1e+21.
std::string number_text(double value);

namespace text_detail {
inline void append(std::string& out, std::string_view piece) { out += piece; }
template <std::integral T>  // a template also for bool: a plain overload would catch literals
void append(std::string& out, T piece) {
  if constexpr (std::same_as<T, bool>) {
    out += piece ? "true" : "false";
  } else if constexpr (std::same_as<T, char>) {
    out += piece;
  } else {
    out += std::to_string(piece);
  }
}
template <std::floating_point T>
void append(std::string& out, T piece) {
  out += number_text(static_cast<double>(piece));
}
}  // namespace text_detail

// cat("fault ", id, " took ", 12, " ms")
template <class... Pieces>
std::string cat(const Pieces&... pieces) {
  std::string out;
  (text_detail::append(out, pieces), ...);
  return out;
}

std::string join(std::span<const std::string> pieces, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);
std::string lower(std::string_view text);  // ASCII letters; all else stays as it is
// Safe to show: whatever would steer a terminal, or show a text as another, is a `?` (C0 but tab
// and line end, DEL, C1, direction marks and overrides, what is not UTF-8).
std::string printable(std::string_view text);
// Of a text in JSON: the same, without a loss: `\u202e` in place of what would steer.
std::string printable_json(std::string_view json);
// As printable(), without line ends and tabs: what a peer says in one line of ours forges no second
// one.
std::string one_line(std::string_view text);
std::string trimmed(std::string_view text);  // without blanks, tabs and line ends around it
// What stands between blanks, tabs and line ends; never an empty one.
std::vector<std::string> words_of(std::string_view text);

// For any part of a URL: all but letters, digits and `-._~` as %XX (RFC 3986, 2.3).
std::string percent_encoded(std::string_view text);
// The byte that "%41…" begins with; none when it does not begin with % and two hex digits.
std::optional<char> percent_code(std::string_view text);

// "250ms", "20us", "1.5s", "2m", "1h", "3d". A bare number is refused: a unit says what is meant.
Result<Duration> parse_duration(std::string_view text);
// The largest unit that shows the value exactly: "1500ms", "2m", "0ms".
std::string duration_text(Duration duration);

// "0.5", "-12": the whole text, without a unit.
Result<double> parse_number(std::string_view text);
Result<std::int64_t> parse_integer(std::string_view text);

// "64MiB", "1.5GiB", "512B", "512": bytes, never negative. Binary units only: B KiB MiB GiB TiB.
Result<std::int64_t> parse_size(std::string_view text);
// The largest unit that shows the value exactly: "1536MiB", "64KiB", "0B".
std::string size_text(std::int64_t bytes);

// The known name nearest to `typed` by edit distance, or empty when none is near.
std::string nearest(std::string_view typed, std::span<const std::string> known);
// " (did you mean `x`?)" or "".
std::string did_you_mean(std::string_view typed, std::span<const std::string> known);

}  // namespace panshi
