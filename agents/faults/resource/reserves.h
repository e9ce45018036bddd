// SPDX-License-Identifier: Apache-2.0
// The node's reserves, which no fault may touch, whatever bounds it: the one place that decides.
#pragma once

#include <cstdint>
#include <filesystem>

#include "agents/host/machine.h"

namespace panshi::agent {

// kRefused, in words: less than the reserve would be left. Sizes in bytes.
Status spare_memory(Machine& machine, std::int64_t size);
// What is on a disk in memory (tmpfs) is in the memory, too.
Status spare_disk(Machine& machine, const std::filesystem::path& folder, std::int64_t size);
// So many are left that agent, guardian and a person's shell can start what they need.
inline constexpr std::int64_t kProcessReserve = 200;
Status spare_processes(Machine& machine, std::int64_t count);

}  // namespace panshi::agent
