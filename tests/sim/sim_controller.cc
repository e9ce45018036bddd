// SPDX-License-Identifier: Apache-2.0
// sim_controller [--from SEED] [--count N] [--bench]: runs seeded histories; exit 1 and the seed of
// the first that breaks a promise, with the end of its journal.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "core/json/fields.h"
#include "tests/sim/history.h"

namespace {

using panshi::sim::History;
using panshi::sim::Tally;

void add(Tally& sum, const Tally& one) {
  sum.steps += one.steps;
  sum.events += one.events;
  sum.drills += one.drills;
  sum.passes += one.passes;
  sum.runs += one.runs;
  sum.crashes += one.crashes;
  sum.faults += one.faults;
}

bool run_one(std::uint64_t seed, std::size_t shown, Tally& sum) {
  History history(seed);
  try {
    history.run();
    add(sum, history.tally());
    return true;
  } catch (const std::exception& broken) {
    std::cerr << "seed " << seed << ": " << broken.what() << "\n";
  }
  const auto& journal = history.journal();
  const std::size_t from = journal.size() > shown ? journal.size() - shown : 0;
  for (std::size_t i = from; i < journal.size(); ++i) {
    std::cerr << panshi::dump_json(to_json(journal[i])) << "\n";
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t from = 1;
  std::uint64_t count = 200;
  std::size_t shown = 40;
  bool bench = false;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--bench") bench = true;
    if (flag == "--from" && i + 1 < argc) from = std::strtoull(argv[++i], nullptr, 10);
    if (flag == "--count" && i + 1 < argc) count = std::strtoull(argv[++i], nullptr, 10);
    if (flag == "--shown" && i + 1 < argc) shown = std::strtoull(argv[++i], nullptr, 10);
  }
  Tally sum;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    if (!run_one(seed, shown, sum)) return 1;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << count << " histories from seed " << from << ": " << sum.steps << " steps, "
            << sum.events << " events, " << sum.drills << " drills (" << sum.passes << " passed), "
            << sum.faults << " faults, " << sum.runs << " runs, " << sum.crashes
            << " controller crashes\n";
  if (bench) {
    const double rate = static_cast<double>(count) / took.count() * 60;
    std::cout << static_cast<std::int64_t>(rate) << " histories a minute\n";
  }
  return 0;
}
