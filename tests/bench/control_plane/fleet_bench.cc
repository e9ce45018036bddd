// SPDX-License-Identifier: Apache-2.0
// Figures: what a hundred agents over TLS cost the controller that polls them, and each of them.
//
// A hundred real agents with one service each; nothing happens. Two minutes, so that each kept
// connection is made anew twice. Exit 0 when every goal is met, 1 when one is missed, 2 when it
// could not be measured.
#include <algorithm>
#include <cstdio>
#include <thread>

#include "core/base/text.h"
#include "tests/bench/control_plane/site.h"
#include "tests/support/eventually.h"

namespace panshi::bench {
namespace {

constexpr int kAgents = 100;
constexpr std::chrono::seconds kLooked{120};

int measure() {
  std::vector<Site::Agent> agents;
  for (int i = 1; i <= kAgents; ++i) {
    agents.push_back({cat("n-", i), cat("127.61.0.", i),
                      cat("services:\n  - {name: s-", i, ", command: [/bin/sleep, \"100000\"]}\n"),
                      cat("s-", i)});
  }
  Site site(true, std::move(agents));
  if (!site.start(PANSHI_BIN_DIR)) {
    std::fprintf(stderr, "%d of %d agents are up\n%s\n", site.up(), kAgents, site.logs().c_str());
    return 2;
  }
  const double before = site.controller().cpu_seconds();
  double agents_before = 0;
  for (const Program& agent : site.agents()) agents_before += agent.cpu_seconds();
  std::this_thread::sleep_for(kLooked);
  double agents_cpu = -agents_before;
  double largest = 0;
  for (const Program& agent : site.agents()) {
    agents_cpu += agent.cpu_seconds();
    largest = std::max(largest, agent.resident_mb());
  }
  const double percent = 100.0 / static_cast<double>(kLooked.count());
  const double cpu = (site.controller().cpu_seconds() - before) * percent;
  if (site.up() != kAgents) {
    std::fprintf(stderr, "an agent was lost meanwhile\n%s\n", site.logs().c_str());
    return 2;
  }
  bool met = show(cat("controller of ", kAgents, " agents over TLS: CPU of one core"), cpu, 5, "%");
  met &= show("controller: resident", site.controller().resident_mb(), 60, "MB");
  met &= show("an agent: CPU of one core, mean", agents_cpu * percent / kAgents, 2, "%");
  met &= show("an agent: resident, the largest", largest, 20, "MB");
  return met ? 0 : 1;
}

}  // namespace
}  // namespace panshi::bench

int main() { return panshi::bench::measure(); }
