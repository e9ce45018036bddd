// SPDX-License-Identifier: Apache-2.0
// Figures: what was measured, each beside what was asked, as text while it comes and as JSON at the
// end. A figure of several runs shows their median and spread. One thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace panshi::bench {

// Nearest rank; 0 without values. REQUIRES: 0 < percent <= 100.
double percentile(std::vector<double> values, double percent);

struct Goal {
  enum class Kind { kAtMost, kAtLeast } kind = Kind::kAtMost;
  double value = 0;
};
inline Goal at_most(double value) { return {Goal::Kind::kAtMost, value}; }
inline Goal at_least(double value) { return {Goal::Kind::kAtLeast, value}; }

class Figures {
 public:
  // `text`: print while measuring.
  explicit Figures(bool text) : text_(text) {}

  void part(const std::string& name);
  // The median of `runs` is judged. REQUIRES: runs is not empty.
  void add(const std::string& name, const std::string& unit, std::vector<double> runs,
           std::optional<Goal> goal = {});
  void add(const std::string& name, const std::string& unit, double value,
           std::optional<Goal> goal = {}) {
    add(name, unit, std::vector<double>{value}, goal);
  }
  void note(const std::string& line);                          // text only
  void fail(const std::string& why);                           // could not be measured
  void attach(const std::string& name, nlohmann::json value);  // JSON only

  bool all_met() const { return all_met_; }
  bool all_measured() const { return all_measured_; }
  nlohmann::json json() const { return json_; }

 private:
  const bool text_;
  std::string part_;
  bool all_met_ = true;
  bool all_measured_ = true;
  nlohmann::json json_ = nlohmann::json::object();
};

}  // namespace panshi::bench
