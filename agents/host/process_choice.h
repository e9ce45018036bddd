// SPDX-License-Identifier: Apache-2.0
// Which processes of the machine a fault is told to break without a service's name, and which none
// may. Pure. Any thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/io/process_table.h"

namespace panshi::agent {

// Of core/model/target.h, but for units, whose control group systemd names.
struct ProcessChoice {
  // The name (`comm`), the file name of the program, or with a slash the program's whole path.
  std::string process = {};
  std::string cgroup = {};  // and every group below it; as in /proc/PID/cgroup
};

// kInvalid: it can mean nothing, or everything.
Status check_choice(const ProcessChoice& choice);
std::vector<ProcessName> choose(const ProcessChoice& choice, const std::vector<ProcessEntry>& all);

// Threads of the kernel, sshd, and the programs of ours that keep a fault in bounds. PID 1 is known
// by its pid.
std::vector<pid_t> protected_processes(const std::vector<ProcessEntry>& all);

}  // namespace panshi::agent
