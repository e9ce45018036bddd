// SPDX-License-Identifier: Apache-2.0
#include "core/base/escapes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <optional>
#include <utility>

#include "core/base/text.h"

namespace panshi {
namespace {

// What an escape means, and its bytes; 0: none begins here.
struct Escape {
  std::string means = {};
  std::size_t size = 0;
};

std::optional<std::uint32_t> number_in(std::string_view digits, int base) {
  std::uint32_t value = 0;
  const char* const end = digits.data() + digits.size();
  if (digits.empty() || std::from_chars(digits.data(), end, value, base).ptr != end) {
    return std::nullopt;
  }
  return value;
}

std::string utf8(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  const auto more = [&](unsigned shift) { return byte(0x80U | (point >> shift & 0x3fU)); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0U | point >> 6U), more(0)};
  if (point < 0x10000) return {byte(0xe0U | point >> 12U), more(6), more(0)};
  return {byte(0xf0U | point >> 18U), more(12), more(6), more(0)};
}

// `\u0041`, two of them for what UTF-16 has in two halves.
Escape unicode_escape(std::string_view text) {
  const auto unit = [](std::string_view at) {
    const bool is_one = at.size() >= 6 && at.starts_with("\\u");
    return is_one ? number_in(at.substr(2, 4), 16) : std::nullopt;
  };
  const auto first = unit(text);
  if (!first) return {};
  const auto second = *first >= 0xd800 && *first < 0xdc00 ? unit(text.substr(6)) : std::nullopt;
  if (!second || *second < 0xdc00 || *second >= 0xe000) return {utf8(*first), 6};
  return {utf8(0x10000U + ((*first - 0xd800U) << 10U) + (*second - 0xdc00U)), 12};
}

// `\120`, as C and the shells write a byte.
Escape octal_escape(std::string_view text) {
  const auto byte = text.size() < 4 ? std::nullopt : number_in(text.substr(1, 3), 8);
  return byte && *byte < 0x100 ? Escape{{static_cast<char>(*byte)}, 4} : Escape();
}

Escape backslash(std::string_view text) {
  if (text.size() < 2) return {};
  if (text[1] == 'u') return unicode_escape(text);
  if (text[1] == 'U') {
    const auto point = text.size() < 10 ? std::nullopt : number_in(text.substr(2, 8), 16);
    return point && *point <= 0x10ffff ? Escape{utf8(*point), 10} : Escape();
  }
  if (text[1] >= '0' && text[1] <= '7') return octal_escape(text);
  if (text[1] == 'x') {
    const auto byte = text.size() < 4 ? std::nullopt : number_in(text.substr(2, 2), 16);
    return byte ? Escape{{static_cast<char>(*byte)}, 4} : Escape();
  }
  constexpr std::string_view kNames = "\"\\/'bfnrt";
  constexpr std::string_view kMeans = "\"\\/'\b\f\n\r\t";
  const auto at = kNames.find(text[1]);
  return at == std::string_view::npos ? Escape() : Escape{{kMeans[at]}, 2};
}

Escape entity(std::string_view text) {
  constexpr std::size_t kLongest = 10;  // "&#1114111;"
  const auto end = text.substr(0, kLongest).find(';');
  if (end == std::string_view::npos || end < 2) return {};
  const std::string_view name = text.substr(1, end - 1);
  if (name[0] == '#') {
    const bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    const auto point = number_in(name.substr(hex ? 2 : 1), hex ? 16 : 10);
    return point && *point <= 0x10ffff ? Escape{utf8(*point), end + 1} : Escape();
  }
  constexpr std::array<std::pair<std::string_view, char>, 5> kNamed = {
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
  for (const auto& [known, means] : kNamed) {
    if (name == known) return {{means}, end + 1};
  }
  return {};
}

Escape escape_at(std::string_view text) {
  switch (text[0]) {
    case '%': {
      const auto code = percent_code(text);
      return code ? Escape{{*code}, 3} : Escape();
    }
    case '\\':
      return backslash(text);
    case '&':
      return entity(text);
    default:
      return {};
  }
}

void append(MappedText& out, std::string_view bytes, std::uint32_t begin, std::uint32_t end) {
  out.text += bytes;
  out.begins.insert(out.begins.end(), bytes.size(), begin);
  out.ends.insert(out.ends.end(), bytes.size(), end);
}

void append(MappedText& out, const MappedText& in, std::size_t from, std::size_t to) {
  const auto part = [&](const std::vector<std::uint32_t>& all, std::vector<std::uint32_t>& into) {
    into.insert(into.end(), all.begin() + static_cast<std::ptrdiff_t>(from),
                all.begin() + static_cast<std::ptrdiff_t>(to));
  };
  out.text.append(in.text, from, to - from);
  part(in.begins, out.begins);
  part(in.ends, out.ends);
}

}  // namespace

MappedText MappedText::of(std::string_view source) {
  MappedText all{std::string(source), std::vector<std::uint32_t>(source.size()),
                 std::vector<std::uint32_t>(source.size())};
  std::iota(all.begins.begin(), all.begins.end(), 0U);
  std::iota(all.ends.begin(), all.ends.end(), 1U);
  return all;
}

bool unescape(const MappedText& in, MappedText& out) {
  const std::string_view text = in.text;
  std::size_t done = 0;  // bytes that are in `made` already
  MappedText made;
  for (std::size_t at = text.find_first_of("%\\&"); at != std::string_view::npos;) {
    const Escape found = escape_at(text.substr(at));
    if (found.size > 0) {
      append(made, in, done, at);
      append(made, found.means, in.begins[at], in.ends[at + found.size - 1]);
      done = at + found.size;
    }
    at = text.find_first_of("%\\&", at + std::max<std::size_t>(found.size, 1));
  }
  if (done == 0) return false;
  append(made, in, done, text.size());
  out = std::move(made);
  return true;
}

bool unwrap(const MappedText& in, MappedText& out) {
  const std::string_view text = in.text;
  std::size_t at = text.find_first_of("\r\n");
  if (at == std::string_view::npos) return false;
  MappedText made;
  std::size_t done = 0;
  while (at != std::string_view::npos) {
    append(made, in, done, at);
    done = std::min(text.find_first_not_of("\r\n \t", at), text.size());
    at = text.find_first_of("\r\n", done);
  }
  append(made, in, done, text.size());
  out = std::move(made);
  return true;
}

std::string unescaped(std::string_view text) {
  MappedText out;
  return unescape(MappedText::of(text), out) ? std::move(out.text) : std::string(text);
}

}  // namespace panshi
