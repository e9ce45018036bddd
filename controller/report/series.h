// SPDX-License-Identifier: Apache-2.0
// What a signal did before, during and after the fault, and how its values are written.
#pragma once

#include <optional>
#include <string>

#include "controller/report/report.h"

namespace panshi::controller {

struct SeriesFacts {
  std::string signal;
  std::string unit;              // % | ms | per s | ""
  std::optional<double> before;  // mean before the fault was in force
  // From in force to the last revert: furthest from what the scenario wants, else beyond the rule
  // that fired, else the lowest ratio, rate or `.up`, the highest of all others.
  std::optional<double> worst;
  std::optional<double> after;  // mean after the last revert
  std::size_t samples = 0;
};

std::string unit_of(const std::string& signal);
std::string in_unit(double value, const std::string& unit);  // "99.2 %", "14 ms"
SeriesFacts series_facts(const Report& report, const SignalSeries& series);

}  // namespace panshi::controller
