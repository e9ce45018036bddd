// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/kinds/metrics_page.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

bool in_name(char c, bool first) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  return letter || (!first && c >= '0' && c <= '9');
}

// Reads from the front of a text and takes off what it read.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::string_view name() {
    std::size_t size = 0;
    while (size < text_.size() && in_name(text_[size], size == 0)) ++size;
    const std::string_view found = text_.substr(0, size);
    text_.remove_prefix(size);
    return found;
  }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void skip_spaces() {
    while (take(' ') || take('\t')) {
    }
  }
  // In quotes, with \\ \" and \n.
  std::optional<std::string> quoted() {
    if (!take('"')) return std::nullopt;
    std::string out;
    while (!text_.empty() && text_.front() != '"') {
      char c = text_.front();
      text_.remove_prefix(1);
      if (c == '\\' && !text_.empty()) {
        c = text_.front() == 'n' ? '\n' : text_.front();
        text_.remove_prefix(1);
      }
      out += c;
    }
    if (!take('"')) return std::nullopt;
    return out;
  }
  std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
};

std::optional<MetricSelector> read_series(Reader& in) {
  in.skip_spaces();
  MetricSelector series{std::string(in.name()), {}};
  if (series.name.empty()) return std::nullopt;
  in.skip_spaces();
  if (!in.take('{')) return series;
  for (;;) {
    in.skip_spaces();
    if (in.take('}')) return series;
    const std::string label(in.name());
    in.skip_spaces();
    if (label.empty() || !in.take('=')) return std::nullopt;
    in.skip_spaces();
    auto value = in.quoted();
    if (!value) return std::nullopt;
    series.labels[label] = std::move(*value);
    in.skip_spaces();
    if (!in.take(',') && !in.rest().starts_with('}')) return std::nullopt;
  }
}

// What stands before the next blank, taken off.
std::string_view word(Reader& in) {
  in.skip_spaces();
  const std::string_view rest = in.rest();
  const std::string_view found = rest.substr(0, rest.find_first_of(" \t\r"));
  for (const char c : found) in.take(c);
  return found;
}

// As strconv.ParseFloat has it, which the format refers to: 12, .5, +Inf, NaN, 1e-3, 0x1p4.
std::optional<double> number_in(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex && text.find_first_of("pP") == text.npos) return std::nullopt;
  if (hex) text.remove_prefix(2);
  if (text.empty() || text.front() == '-') return std::nullopt;
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value,
                                    hex ? std::chars_format::hex : std::chars_format::general);
  if (read.ptr != end || read.ec == std::errc::invalid_argument) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) return std::nullopt;
  return negative ? -value : value;
}

// The value, and after it nothing, or the time in milliseconds; an exemplar is OpenMetrics'.
std::optional<double> read_value(Reader& in) {
  const auto value = number_in(word(in));
  const std::string_view time = word(in);
  if (time.empty() || time == "#") return value;
  if (!parse_integer(time) || !word(in).empty()) return std::nullopt;
  return value;
}

bool matches(const MetricSelector& wanted, const MetricSelector& series) {
  return series.name == wanted.name &&
         std::all_of(wanted.labels.begin(), wanted.labels.end(), [&](const auto& label) {
           const auto found = series.labels.find(label.first);
           return found != series.labels.end() && found->second == label.second;
         });
}

}  // namespace

Result<MetricSelector> parse_selector(std::string_view text) {
  Reader in(text);
  auto series = read_series(in);
  in.skip_spaces();
  if (series && in.rest().empty()) return std::move(*series);
  return fail(ErrorCode::kInvalid,
              cat("`", std::string(text), R"(` must be like requests_total{code="500"})"));
}

std::optional<double> sum_of(const MetricSelector& selector, std::string_view page) {
  std::optional<double> sum;
  while (!page.empty()) {
    const std::size_t end = std::min(page.find('\n'), page.size());
    std::string_view line = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (!line.starts_with(selector.name)) continue;  // most lines: not worth reading
    Reader in(line);
    const auto series = read_series(in);
    if (!series && Reader(line).name() == selector.name) return std::nullopt;  // one of ours?
    if (!series || !matches(selector, *series)) continue;
    const auto value = read_value(in);
    if (!value) return std::nullopt;  // what the others add up to is not what was asked for
    sum = sum.value_or(0) + *value;
  }
  // NaN stands for "not known"; and what is infinite cannot be sent.
  return sum && std::isfinite(*sum) ? sum : std::nullopt;
}

}  // namespace panshi::agent
