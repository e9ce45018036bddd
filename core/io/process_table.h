// SPDX-License-Identifier: Apache-2.0
// Every process of this machine, as /proc has it at that moment. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/process.h"

namespace panshi {

struct ProcessEntry {
  ProcessName process = {};
  std::string name = {};     // `comm`: at most 15 bytes
  std::string program = {};  // of the executable; "" when it may not be seen, or of a kernel thread
  std::string cgroup = {};   // in the v2 hierarchy: "/system.slice/nginx.service"; "" when unknown
  bool kernel = false;       // a thread of the kernel's own
  char state = 0;            // as process_state()
  pid_t parent = 0;
  pid_t session = 0;      // the process that leads it
  bool terminal = false;  // it has a controlling one
};

// Of a text as in /proc/<pid>/environ; "" when it has no such variable.
std::string environment_value(const std::string& environment, std::string_view name);
// Of the environment that a process was started with; "" also when it may not be seen.
std::string started_with(pid_t pid, std::string_view name);

// The real user, also of a program with the setuid bit; -1 when it has ended.
uid_t user_of(pid_t pid);

// Without zombies, and without what ended while it was being read. By pid.
std::vector<ProcessEntry> list_processes();
// Their numbers alone, in order; zombies too.
std::vector<pid_t> list_pids();

// The number of the line "NAME NUMBER" of a file as /proc and control groups have them
// ("VmRSS: 812 kB"); 0 when there is none.
std::int64_t named_number(const std::filesystem::path& file, const std::string& name);

}  // namespace panshi
