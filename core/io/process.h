// SPDX-License-Identifier: Apache-2.0
// ProcessRunner: starts child processes and tells when they end, through the kernel (pidfd).
//
// Each child leads its own process group and is signalled as a group, so a script's children go
// with it. It gets /dev/null for input, no descriptor of ours, default signal handlers and an empty
// signal mask. No shell: argv is executed as given, the program looked up in the child's PATH
// first. Exits are reported on the thread `process` within a few hundred microseconds. Why
// posix_spawn: docs/decisions/0003-child-processes.md.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/run_as.h"

namespace panshi {

struct ProcessSpec {
  std::vector<std::string> argv;                // [0]: absolute path or a name looked up in PATH
  std::map<std::string, std::string> env = {};  // the child's whole environment
  std::filesystem::path directory = {};         // working directory; empty: ours
  std::filesystem::path log_file = {};          // stdout and stderr appended here; empty: /dev/null
  int input = -1;                               // descriptor for stdin; -1: /dev/null
  std::optional<RunAs> as = {};                 // none: whoever we are
};

// With the user's own HOME, USER and LOGNAME, and in `/`: whoever is named may not enter what is
// ours. None: nothing.
void set_user(ProcessSpec& spec, const std::optional<RunAs>& as);

struct ProcessExit {
  int code = 0;          // exit code; -1 when ended by a signal or not our child (adopted)
  int signal = 0;        // 0 unless ended by a signal
  bool adopted = false;  // code and signal are then unknown
};

struct ScriptResult {
  ProcessExit exit;
  bool timed_out = false;
  // stdout then stderr interleaved as written, the last 64 KiB, and what of a secret that begins
  // before them is needed to strike it out: show struck_tail() of it.
  std::string output;
  Duration took{};
};

// Names one process for ever: a pid alone is reused.
struct ProcessName {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  // /proc/<pid>/stat field 22
  friend bool operator==(const ProcessName&, const ProcessName&) = default;
};
// kNotFound when there is no such process (a zombie counts as none).
Result<ProcessName> name_process(pid_t pid);
bool is_alive(const ProcessName& name);
char process_state(pid_t pid);                       // /proc stat letter: R S D T t Z; 0 when gone
std::vector<pid_t> processes_in_group(pid_t group);  // without zombies

class ProcessRunner {
 public:
  using OnExit = std::function<void(ProcessExit)>;  // on the thread `process`
  using OnScript = std::function<void(ScriptResult)>;

  ProcessRunner();
  // Does not end what was launched: whoever started one stops it. Kills what run() runs. Nothing is
  // called back once it has begun.
  ~ProcessRunner();
  ProcessRunner(const ProcessRunner&) = delete;
  ProcessRunner& operator=(const ProcessRunner&) = delete;

  // Any thread. kNotFound / kRefused when the program is missing or not executable. `on_exit` may
  // come before this returns.
  Result<ProcessName> launch(const ProcessSpec& spec, OnExit on_exit);
  // Watches a process that another incarnation of us started. kNotFound when it is gone.
  Status adopt(const ProcessName& name, OnExit on_exit);
  // Runs to the end of the program, or SIGTERM at `timeout` and SIGKILL two seconds later, to the
  // group. A program that cannot be started ends with code 127 (missing) or 126 and the reason as
  // its output. What it leaves in the background lives on without output. `log_file` is not used.
  void run(const ProcessSpec& spec, Duration timeout, OnScript done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Signals one process alone, through a descriptor of it: never another one that has its pid by
// then. kNotFound as for signal_group().
Status signal_process(const ProcessName& name, int signal);
// Signals the whole group led by `name`; kNotFound when it is gone or another process by now.
Status signal_group(const ProcessName& name, int signal);

}  // namespace panshi
