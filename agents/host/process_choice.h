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

// Those that keep the machine reachable and a fault in bounds, by what they are: threads of the
// kernel, process 1 and systemd's own; `ours` (the agent and its guardian), whoever runs the same
// program, and all that started us; each login session's first process and shell, and all that
// started those. And, whatever they do, sshd and the programs of this project by name.
std::vector<pid_t> protected_processes(const std::vector<ProcessEntry>& all,
                                       const std::vector<pid_t>& ours);

}  // namespace panshi::agent
