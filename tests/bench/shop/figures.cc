// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/shop/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::bench {

double percentile(std::vector<double> values, double percent) {
  if (values.empty()) return 0;
  const auto rank =
      static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void Figures::part(const std::string& name) {
  part_ = name;
  json_[part_] = {{"figures", nlohmann::json::array()}};
  if (text_) std::printf("-- %s\n", name.c_str());
}

void Figures::add(const std::string& name, const std::string& unit, std::vector<double> runs,
                  std::optional<Goal> goal) {
  CHECK_BUG(!runs.empty());
  const double value = percentile(runs, 50);
  const auto [low, high] = std::minmax_element(runs.begin(), runs.end());
  nlohmann::json figure = {{"name", name}, {"unit", unit}, {"value", value}, {"runs", runs}};
  std::string verdict;
  if (goal) {
    const bool is_most = goal->kind == Goal::Kind::kAtMost;
    const bool met = is_most ? value <= goal->value : value >= goal->value;
    all_met_ = all_met_ && met;
    figure[is_most ? "at_most" : "at_least"] = goal->value;
    figure["met"] = met;
    verdict = cat("  (asked: ", is_most ? "at most " : "at least ", goal->value, ") ",
                  met ? "met" : "MISSED");
  }
  json_[part_]["figures"].push_back(std::move(figure));
  if (!text_) return;
  std::printf("%-52s %10.2f %s", name.c_str(), value, unit.c_str());
  if (runs.size() > 1) std::printf("  [%.2f … %.2f, %zu runs]", *low, *high, runs.size());
  std::printf("%s\n", verdict.c_str());
  std::fflush(stdout);
}

void Figures::note(const std::string& line) {
  if (!text_) return;
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void Figures::fail(const std::string& why) {
  all_measured_ = false;
  json_[part_]["failed"].push_back(why);
  std::fprintf(stderr, "%s: not measured: %s\n", part_.c_str(), why.c_str());
}

void Figures::attach(const std::string& name, nlohmann::json value) {
  json_[part_][name] = std::move(value);
}

}  // namespace panshi::bench
