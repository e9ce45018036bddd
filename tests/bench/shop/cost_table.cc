// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/shop/cost_table.h"

#include <algorithm>
#include <cstdio>

namespace panshi::bench {
namespace {

constexpr std::size_t kPartsShown = 4;

template <class... Values>
std::string formatted(const char* format, const Values&... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace

void add_cost_table(const CostReport& costs, std::int64_t purchases, Figures& figures) {
  const double count =
      purchases > 0 ? static_cast<double>(purchases) : milliseconds(costs.span) / 1000;
  const auto each = [&](Duration cpu) { return milliseconds(cpu) / count; };
  const char* const unit = purchases > 0 ? "ms/purchase" : "ms/s";
  figures.note(formatted("%-20s %5s %12s %10s  of these, the dearest (%s)", "CPU by program", "",
                         unit, "% of core", unit));
  nlohmann::json rows = nlohmann::json::array();
  for (const ProgramCost& program : costs.programs) {
    const double of_core = percent_of_core(program.cpu, costs.span);
    std::string parts;
    nlohmann::json row = {{"program", program.program},
                          {"processes", program.processes},
                          {"each_ms", each(program.cpu)},
                          {"percent_of_core", of_core},
                          {"parts_ms", nlohmann::json::object()}};
    for (std::size_t i = 0; i < program.parts.size(); ++i) {
      const auto& [part, cpu] = program.parts[i];
      row["parts_ms"][part] = each(cpu);
      if (i >= kPartsShown) continue;
      parts += formatted("%s%s %.2f", i == 0 ? "" : ", ", part.c_str(), each(cpu));
    }
    figures.note(formatted("%-20s ×%-4zu %12.2f %10.1f  ", program.program.c_str(),
                           program.processes, each(program.cpu), of_core) +
                 parts);
    rows.push_back(std::move(row));
  }
  figures.attach("cpu_by_program", std::move(rows));
}

}  // namespace panshi::bench
