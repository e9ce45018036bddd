// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <stdexcept>
#include <thread>

#include "tests/bench/shop/log_figures.h"
#include "tests/bench/shop/parts.h"

namespace panshi::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstPurchaseWithin = 60s;

// Seconds from the command to the first key in a customer's hand.
double seconds_to_first_purchase(Lab& lab) {
  const SystemClock clock;
  const std::int64_t begin_us = to_us(clock.wall());
  const std::uint64_t log_begin = lab.log_file().empty() ? 0 : lab.log_size();
  lab.up();
  const MonoTime give_up = clock.mono() + kFirstPurchaseWithin;
  while (clock.mono() < give_up) {
    LogFigures log;
    if (!log.read(lab.log_file(), log_begin)) throw std::runtime_error("the log is damaged");
    std::int64_t first_us = std::numeric_limits<std::int64_t>::max();
    for (const auto& [customer, seen] : log.purchases()) {
      if (seen.ended_us.back() != 0) first_us = std::min(first_us, seen.ended_us.back());
    }
    if (first_us != std::numeric_limits<std::int64_t>::max()) {
      return static_cast<double>(first_us - begin_us) / 1e6;
    }
    std::this_thread::sleep_for(100ms);
  }
  throw std::runtime_error("nobody bought anything");
}

}  // namespace

void measure_start(Lab& lab, const PartOptions& options, Figures& figures) {
  figures.part("start");
  if (!lab.is_mine()) {
    figures.note("a lab that runs already cannot show how it starts");
    return;
  }
  std::vector<double> cold;
  std::vector<double> warm;
  for (std::int64_t run = 0; run < options.runs; ++run) {
    lab.forget();
    cold.push_back(seconds_to_first_purchase(lab));
    lab.down();
    warm.push_back(seconds_to_first_purchase(lab));
  }
  figures.add("cold lab up to first purchase", "s", cold, at_most(25));
  figures.add("warm lab up to first purchase", "s", warm, at_most(10));
}

}  // namespace panshi::bench
