// SPDX-License-Identifier: Apache-2.0
// The parts of `./dev bench shop`: each brings the lab into the state it needs, measures, and puts
// it back.
#pragma once

#include "core/base/clock.h"
#include "tests/bench/shop/figures.h"
#include "tests/bench/shop/lab.h"

namespace panshi::bench {

struct PartOptions {
  double rate = 150;  // purchases a second
  Duration span = std::chrono::seconds(60);
  std::int64_t runs = 1;
};

// A given rate for a given time: purchases a second, latency of each step, the ledger, and what a
// purchase costs, by program.
void measure_steady(Lab& lab, const PartOptions& options, Figures& figures);

}  // namespace panshi::bench
