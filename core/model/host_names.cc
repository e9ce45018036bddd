// SPDX-License-Identifier: Apache-2.0
#include "core/model/host_names.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "core/base/text.h"

namespace panshi {
namespace {

constexpr std::size_t kLabelMax = 63;
constexpr std::size_t kNameMax = 253;

using CodePoint = std::uint32_t;

// None: not UTF-8 (too short, overlong, a surrogate, beyond Unicode).
std::optional<std::vector<CodePoint>> code_points(std::string_view text) {
  std::vector<CodePoint> points;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t size = first < 0x80       ? 1
                             : first >> 5 == 6  ? 2
                             : first >> 4 == 14 ? 3
                             : first >> 3 == 30 ? 4
                                                : 0;
    if (size == 0 || i + size > text.size()) return std::nullopt;
    CodePoint point = size == 1 ? first : first & (0x7FU >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) return std::nullopt;
      point = point << 6 | (next & 0x3FU);
    }
    constexpr CodePoint kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kLeast[size] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
      return std::nullopt;
    }
    points.push_back(point);
    i += size;
  }
  return points;
}

CodePoint lowered(CodePoint c) {
  const auto in = [c](CodePoint from, CodePoint to) { return c >= from && c <= to; };
  if (in('A', 'Z') || (in(0xC0, 0xDE) && c != 0xD7)) return c + 0x20;
  if (in(0x391, 0x3A9) || in(0x410, 0x42F)) return c + 0x20;
  if (in(0x400, 0x40F)) return c + 0x50;
  if (c == 0x178) return 0xFF;
  const bool upper_is_odd = in(0x139, 0x148) || in(0x179, 0x17E);
  if (upper_is_odd) return c + (c & 1U);
  if (in(0x100, 0x137) || in(0x14A, 0x177)) return c | 1U;
  return c;
}

// What would have to be mapped further, or composed, before it could be compared.
bool is_beyond_us(CodePoint c) {
  const auto in = [c](CodePoint from, CodePoint to) { return c >= from && c <= to; };
  return in(0x80, 0xBF) || in(0x180, 0x24F) || in(0x300, 0x36F) || in(0x370, 0x390) ||
         in(0x1E00, 0x1FFF) || in(0x2000, 0x2FFF) || in(0xF900, 0xFFFF) || c == 0x3002;
}

// RFC 3492, 6.1
std::size_t adapted(std::size_t delta, std::size_t points, bool first) {
  delta = first ? delta / 700 : delta / 2;
  delta += delta / points;
  std::size_t k = 0;
  for (; delta > 455; k += 36) delta /= 35;
  return k + 36 * delta / (delta + 38);
}

char digit(std::size_t d) { return static_cast<char>(d < 26 ? 'a' + d : '0' + (d - 26)); }

// RFC 3492, 6.3; REQUIRES: at least one point beyond ASCII, at most kLabelMax in all.
std::string punycode(const std::vector<CodePoint>& points) {
  std::string out;
  for (const CodePoint point : points) {
    if (point < 0x80) out += static_cast<char>(point);
  }
  const std::size_t basic = out.size();
  std::size_t done = basic;
  if (basic > 0) out += '-';
  std::size_t delta = 0;
  std::size_t bias = 72;
  for (CodePoint n = 0x80; done < points.size(); ++n) {
    CodePoint next = std::numeric_limits<CodePoint>::max();
    for (const CodePoint point : points) {
      if (point >= n) next = std::min(next, point);
    }
    delta += (next - n) * (done + 1);
    n = next;
    for (const CodePoint point : points) {
      if (point < n) ++delta;
      if (point != n) continue;
      std::size_t q = delta;
      for (std::size_t k = 36;; k += 36) {
        const std::size_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        if (q < t) break;
        out += digit(t + (q - t) % (36 - t));
        q = (q - t) / (36 - t);
      }
      out += digit(q);
      bias = adapted(delta, done + 1, done == basic);
      delta = 0;
      ++done;
    }
    ++delta;
  }
  return out;
}

Result<std::string> comparable_label(const std::string& label) {
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::kInvalid, cat("`", label, "` ", why));
  };
  auto points = code_points(label);
  if (!points) return wrong("is not UTF-8");
  if (points->empty()) return fail(ErrorCode::kInvalid, "has a name or label with nothing in it");
  if (points->size() > kLabelMax) return wrong(cat("is longer than ", kLabelMax, " characters"));
  bool ascii = true;
  for (CodePoint& point : *points) {
    point = lowered(point);
    if (is_beyond_us(point)) return wrong("cannot be compared as it is: write its form `xn--…`");
    ascii = ascii && point < 0x80;
    const bool fits = point > 0x7F || point == '-' || point == '_' ||
                      (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z');
    if (!fits) return wrong("has a character that no host's name has");
  }
  std::string out;
  for (const CodePoint point : *points) out += static_cast<char>(point & 0x7F);
  if (!ascii) out = "xn--" + punycode(*points);
  if (out.size() > kLabelMax) return wrong(cat("is longer than ", kLabelMax, " characters"));
  return out;
}

}  // namespace

Result<std::string> comparable_host_name(const std::string& name) {
  const std::string whole = name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
  std::vector<std::string> labels;
  for (const std::string& label : split(whole, '.')) {
    ASSIGN_OR_RETURN(std::string compared, comparable_label(label));
    labels.push_back(std::move(compared));
  }
  std::string out = join(labels, ".");
  if (out.size() <= kNameMax) return out;
  return fail(ErrorCode::kInvalid, cat("`", name, "` is longer than ", kNameMax, " characters"));
}

}  // namespace panshi
