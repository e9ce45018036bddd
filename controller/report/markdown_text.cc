// SPDX-License-Identifier: Apache-2.0
#include "controller/report/markdown_text.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace panshi::controller::markdown {

std::string safe(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out += ' ';
    } else {
      if (std::string_view("\\`*_[]<>|&#").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

// A code span; a backtick inside would end it.
std::string code(std::string text) {
  std::erase_if(text, [](char c) { return c == '`' || c == '\n' || c == '\r'; });
  return "`" + text + "`";
}

std::string row(std::initializer_list<std::string> cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + cell + " |";
  return out + "\n";
}

std::string sparkline(const SignalSeries& series, double y_max) {
  static const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::size_t kColumns = 40;
  constexpr double kNoDataUs = 3e6;  // as the rules have it
  if (series.samples.size() < 2 || y_max <= 0) return {};
  const WallTime from = series.samples.front().first;
  const double span = static_cast<double>((series.samples.back().first - from).count()) + 1;
  std::vector<std::pair<double, int>> columns(kColumns);
  for (const auto& [at, value] : series.samples) {
    const double share = static_cast<double>((at - from).count()) / span;
    auto& column = columns[std::min(static_cast<std::size_t>(share * kColumns), kColumns - 1)];
    column.first += value;
    ++column.second;
  }
  const double column_us = span / kColumns;
  std::string out;
  const char* bar = " ";
  double bar_age_us = 0;
  for (const auto& [sum, count] : columns) {
    bar_age_us = count == 0 ? bar_age_us + column_us : 0;
    if (count > 0) {
      const double share = std::clamp(sum / count / y_max, 0.0, 1.0);
      bar = kBars[static_cast<std::size_t>(std::lround(share * 7))];
    }
    out += bar_age_us < kNoDataUs ? bar : " ";
  }
  return out;
}

}  // namespace panshi::controller::markdown
