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

// From `lab up` to the first purchase, from nothing and with the state of a lab before.
void measure_start(Lab& lab, const PartOptions& options, Figures& figures);

// What the lab costs while nobody comes: CPU over 30 s, and memory.
void measure_idle(Lab& lab, const PartOptions& options, Figures& figures);

// A given rate for a given time: purchases a second, latency of each step, the ledger, and what a
// purchase costs, by program.
void measure_steady(Lab& lab, const PartOptions& options, Figures& figures);

// Where the shop saturates, and what it does at twice that: goodput, and who is served.
void measure_shedding(Lab& lab, const PartOptions& options, Figures& figures);

// What still answers while the primary of one shard is frozen and nobody replaces it, for its users
// and for the others, by the customers' log.
void measure_shard_down(Lab& lab, const PartOptions& options, Figures& figures);

}  // namespace panshi::bench
