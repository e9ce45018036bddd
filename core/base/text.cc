// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace panshi {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t micros;
};
constexpr std::array<Unit, 6> kUnits = {{{"d", 86'400'000'000},
                                         {"h", 3'600'000'000},
                                         {"m", 60'000'000},
                                         {"s", 1'000'000},
                                         {"ms", 1'000},
                                         {"us", 1}}};

struct Size {
  std::string_view name;
  std::int64_t bytes;
};
constexpr std::array<Size, 5> kSizes = {
    {{"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}, {"B", 1}}};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string number_text(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), end.ptr);
}

std::string join(std::span<const std::string> pieces, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) out += separator;
    out += pieces[i];
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  while (true) {
    const auto at = text.find(separator);
    pieces.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

namespace {
constexpr std::string_view kBlanks = " \t\n\v\f\r";
}  // namespace

namespace {

// The code point that `text` begins with, and its bytes; 0 bytes: it is not UTF-8.
std::pair<char32_t, std::size_t> code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80             ? 1
                           : (first & 0xe0) == 0xc0 ? 2
                           : (first & 0xf0) == 0xe0 ? 3
                           : (first & 0xf8) == 0xf0 ? 4
                                                    : 0;
  if (size == 0 || size > text.size()) return {0, 0};
  char32_t point = size == 1 ? first : first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    point = point << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point < 0xe000;
  return point < kLeast[size] || surrogate || point > 0x10ffff ? std::pair<char32_t, std::size_t>()
                                                               : std::pair(point, size);
}

bool steers(char32_t point) {
  const auto within = [&](char32_t from, char32_t to) { return point >= from && point <= to; };
  return (point < 0x20 && point != '\n' && point != '\t') || within(0x7f, 0x9f) || point == 0x61c ||
         within(0x200b, 0x200f) || within(0x2028, 0x202e) || within(0x2060, 0x206f) ||
         point == 0xfeff || within(0xfff0, 0xfffb) || within(0xe0000, 0xe0fff);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const auto [point, size] = code_point(text);
    if (size == 0 || steers(point)) {
      safe += '?';
    } else {
      safe += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return safe;
}

std::string printable_json(std::string_view json) {
  std::string safe;
  safe.reserve(json.size());
  const auto escape = [&](unsigned unit) {
    static constexpr char kHex[] = "0123456789abcdef";
    safe += "\\u";
    for (const unsigned shift : {12U, 8U, 4U, 0U}) safe += kHex[unit >> shift & 15U];
  };
  while (!json.empty()) {
    const auto [point, size] = code_point(json);
    if (size == 0) {
      safe += '?';
    } else if (!steers(point)) {
      safe += json.substr(0, size);
    } else if (point < 0x10000) {
      escape(static_cast<unsigned>(point));
    } else {  // RFC 8259, section 7: as two halves of UTF-16
      escape(0xd800U + (static_cast<unsigned>(point - 0x10000) >> 10U));
      escape(0xdc00U + (static_cast<unsigned>(point - 0x10000) & 0x3ffU));
    }
    json.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return safe;
}

std::string one_line(std::string_view text) {
  std::string line = printable(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

std::string trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const auto begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const auto end = std::min(text.find_first_of(kBlanks), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

std::optional<char> percent_code(std::string_view text) {
  unsigned value = 0;
  if (text.size() < 3 || text[0] != '%') return std::nullopt;
  const char* const digits = text.data() + 1;
  if (std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return std::nullopt;
  return static_cast<char>(value);
}

Result<Duration> parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const std::string_view unit(end, text.data() + text.size());
  const auto known = std::find_if(kUnits.begin(), kUnits.end(),
                                  [&](const Unit& candidate) { return candidate.name == unit; });
  if (error != std::errc() || known == kUnits.end() || !(value >= 0)) {
    return fail(ErrorCode::kInvalid,
                cat("`", text, "` is not a duration: expected a number and one of us ms s m h d"));
  }
  const double micros = value * static_cast<double>(known->micros);
  if (micros > static_cast<double>(std::numeric_limits<std::int64_t>::max() / 4)) {
    return fail(ErrorCode::kInvalid, cat("`", text, "` is too long"));
  }
  return Duration(std::llround(micros));
}

std::string duration_text(Duration duration) {
  const std::int64_t micros = duration.count();
  if (micros == 0) return "0ms";
  for (const Unit& unit : kUnits) {
    if (micros % unit.micros == 0) return cat(micros / unit.micros, unit.name);
  }
  return cat(micros, "us");
}

Result<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value))
    return value;
  return fail(ErrorCode::kInvalid, cat("`", text, "` is not a number"));
}

Result<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return fail(ErrorCode::kInvalid, cat("`", text, "` is not a whole number"));
}

Result<std::int64_t> parse_size(std::string_view text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const std::string_view unit(end, text.data() + text.size());
  const auto known = std::find_if(kSizes.begin(), kSizes.end(),
                                  [&](const Size& candidate) { return candidate.name == unit; });
  if (error != std::errc() || (known == kSizes.end() && !unit.empty()) || !(value >= 0)) {
    return fail(ErrorCode::kInvalid,
                cat("`", text, "` is not a size: expected a number and one of B KiB MiB GiB TiB"));
  }
  const double bytes = value * static_cast<double>(unit.empty() ? 1 : known->bytes);
  if (bytes > static_cast<double>(std::numeric_limits<std::int64_t>::max() / 4)) {
    return fail(ErrorCode::kInvalid, cat("`", text, "` is too large"));
  }
  return std::llround(bytes);
}

std::string size_text(std::int64_t bytes) {
  if (bytes == 0) return "0B";
  for (const Size& size : kSizes) {
    if (bytes % size.bytes == 0) return cat(bytes / size.bytes, size.name);
  }
  return cat(bytes, "B");
}

std::string nearest(std::string_view typed, std::span<const std::string> known) {
  constexpr std::size_t kWordMax = 200;  // its time grows with the length of both
  std::string best;
  if (typed.size() > kWordMax) return best;
  std::size_t best_distance = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(typed, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string> known) {
  const std::string best = nearest(typed, known);
  return best.empty() ? std::string() : cat(" (did you mean `", best, "`?)");
}

}  // namespace panshi
