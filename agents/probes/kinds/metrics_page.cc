// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/kinds/metrics_page.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

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
  MetricSelector series{std::string(in.name()), {}};
  if (series.name.empty()) return std::nullopt;
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
  if (series && in.rest().empty()) return std::move(*series);
  return fail(ErrorCode::kInvalid,
              cat("`", std::string(text), R"(` must be like requests_total{code="500"})"));
}

std::optional<double> sum_of(const MetricSelector& selector, std::string_view page) {
  std::optional<double> sum;
  while (!page.empty()) {
    const std::size_t end = std::min(page.find('\n'), page.size());
    const std::string_view line = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    if (!line.starts_with(selector.name)) continue;  // most lines: not worth reading
    Reader in(line);
    const auto series = read_series(in);
    if (!series || !matches(selector, *series)) continue;
    const std::string rest(in.rest());
    char* stopped = nullptr;
    const double value = std::strtod(rest.c_str(), &stopped);
    if (stopped == rest.c_str() || !std::isfinite(value)) continue;
    sum = sum.value_or(0) + value;
  }
  return sum;
}

}  // namespace panshi::agent
