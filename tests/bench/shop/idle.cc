// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "tests/bench/shop/cost_table.h"
#include "tests/bench/shop/parts.h"

namespace panshi::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSettle = 10s;
constexpr Duration kSpan = 30s;

}  // namespace

void measure_idle(Lab& lab, const PartOptions& options, Figures& figures) {
  figures.part("idle");
  lab.up();
  lab.set_rate(0);
  if (!lab.wait_until_nobody_is_under_way(20s)) figures.fail("customers are stuck in the shop");
  std::this_thread::sleep_for(kSettle);
  std::vector<double> cpu;
  CostReport costs;
  for (std::int64_t run = 0; run < options.runs; ++run) {
    const CostSnapshot before = take_costs(lab.state());
    std::this_thread::sleep_for(kSpan);
    costs = spent(before, take_costs(lab.state()));
    cpu.push_back(percent_of_core(costs.lab, costs.span));
  }
  figures.add("CPU of the whole lab, nobody comes", "% of a core", cpu, at_most(25));
  const double memory_kb = static_cast<double>(proportional_memory_kb(lab.state()));
  figures.add("memory of the whole lab (PSS)", "GB", memory_kb * 1024 / 1e9, at_most(2.5));
  add_cost_table(costs, 0, figures);
}

}  // namespace panshi::bench
