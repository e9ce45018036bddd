// SPDX-License-Identifier: Apache-2.0
// How much this process may really take: of several bounds on the same thing (the machine, control
// groups of version 1 and 2, quotas) the smallest counts. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "agents/host/machine.h"

namespace panshi::agent {

// What a control group and those above it, up to where its hierarchy is mounted, leave of memory.
// Files that the kernel can drop at once count as free, as in MemAvailable.
Room memory_of_group(const std::filesystem::path& mount, const std::filesystem::path& group,
                     Room room);
// The same for how many processes may be started.
std::int64_t processes_of_group(const std::filesystem::path& mount,
                                const std::filesystem::path& group, std::int64_t left);

Room memory_room();
std::int64_t processes_left();
// kNotFound.
Result<Room> disk_room(const std::filesystem::path& folder);

}  // namespace panshi::agent
