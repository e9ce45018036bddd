// SPDX-License-Identifier: Apache-2.0
// What the processes of a lab cost: CPU time and memory, by program, from /proc.
//
// CPU time is what the kernel charged (user and system, all threads), so other work on the machine
// does not count as ours; what that work took away is told by `machine`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"

namespace panshi::bench {

struct ProcessCost {
  std::string program;  // storefront's role, or what the kernel calls the process
  std::string part;     // the service, or the agent's node
  Duration cpu{};
};

struct CostSnapshot {
  std::map<std::pair<pid_t, std::uint64_t>, ProcessCost> processes;  // by pid and start
  Duration machine_busy{};  // all cores, whoever it was; time stolen from this machine included
  MonoTime at;
};
CostSnapshot take_costs(const std::filesystem::path& lab);

struct ProgramCost {
  std::string program;
  std::size_t processes = 0;
  Duration cpu{};
  std::vector<std::pair<std::string, Duration>> parts;  // dearest first
};
struct CostReport {
  std::vector<ProgramCost> programs;  // dearest first
  Duration lab{};
  Duration others{};  // what the rest of the machine used meanwhile
  Duration span{};
};
// What was spent between the two. A process that ended meanwhile counts as nothing, so a lab whose
// services crash looks cheaper than it is.
CostReport spent(const CostSnapshot& before, const CostSnapshot& after);

std::int64_t proportional_memory_kb(const std::filesystem::path& lab);  // PSS of all processes

}  // namespace panshi::bench
