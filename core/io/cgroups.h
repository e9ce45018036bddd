// SPDX-License-Identifier: Apache-2.0
// The control groups of version 2 as this machine has them: cgroups(7). Any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace panshi {

// Where the whole hierarchy is mounted; "" where it is not (nor in a container that sees a part).
std::filesystem::path cgroup_mount();
// The group of a process, below the mount: "/system.slice/nginx.service", "/" for the top; "" when
// it is gone.
std::string cgroup_of(pid_t pid);

}  // namespace panshi
