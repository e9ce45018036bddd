// SPDX-License-Identifier: Apache-2.0
// What a lab spent, as a table: one row a program, dearest first.
#pragma once

#include "tests/bench/shop/costs.h"
#include "tests/bench/shop/figures.h"

namespace panshi::bench {

inline double milliseconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1000;
}
inline double percent_of_core(Duration cpu, Duration span) {
  return 100 * milliseconds(cpu) / std::max(milliseconds(span), 1.0);
}

// Milliseconds are of each of `purchases`; without any, of a second.
void add_cost_table(const CostReport& costs, std::int64_t purchases, Figures& figures);

}  // namespace panshi::bench
