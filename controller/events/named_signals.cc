// SPDX-License-Identifier: Apache-2.0
#include "controller/events/named_signals.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/events/event_data.h"

namespace panshi::controller {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOpposites = {
    {{">", "<="}, {">=", "<"}, {"<", ">="}, {"<=", ">"}, {"==", "!="}, {"!=", "=="}}};

void add_each(const nlohmann::json& list, bool wanted, std::vector<Comparison>& out) {
  for (const nlohmann::json& item : list.is_array() ? list : nlohmann::json::array()) {
    Comparison comparison;
    comparison.signal = text_of(item, "signal");
    comparison.is = text_of(item, "is");
    const auto value = number_of(item, "value");
    if (comparison.signal.empty() || opposite_of(comparison.is).empty() || !value) continue;
    if (!wanted) comparison.is = opposite_of(comparison.is);
    comparison.value = *value;
    out.push_back(std::move(comparison));
  }
}

}  // namespace

std::string opposite_of(const std::string& is) {
  const auto found = std::find_if(kOpposites.begin(), kOpposites.end(),
                                  [&](const auto& pair) { return pair.first == is; });
  return found == kOpposites.end() ? std::string() : std::string(found->second);
}

std::vector<Comparison> wanted_of_signals(const nlohmann::json& scenario) {
  std::vector<Comparison> wanted;
  add_each(value_of(value_of(scenario, "steady_state"), "checks"), true, wanted);
  add_each(value_of(scenario, "expect"), true, wanted);
  add_each(value_of(scenario, "abort_if"), false, wanted);
  return wanted;
}

std::vector<std::string> signals_named(const nlohmann::json& scenario) {
  std::vector<std::string> names;
  for (Comparison& one : wanted_of_signals(scenario)) {
    if (std::find(names.begin(), names.end(), one.signal) == names.end())
      names.push_back(std::move(one.signal));
  }
  return names;
}

}  // namespace panshi::controller
