// SPDX-License-Identifier: Apache-2.0
// Guardian: a small child that notices the agent's death and starts a new one in its own place.
//
// It holds the read end of a pipe whose write end only the agent has. End of file without a
// goodbye means the agent died (a crash, kill -9, the OOM killer): it then executes
// /proc/self/exe with `revive`, or with `revert` when the agent came back too often lately.
// It touches nothing itself, uses no memory to speak of, and no processor time while it waits.
// When the guardian dies, its watcher (thread `guardian`) starts another one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi::agent {

class Guardian {
 public:
  struct Options {
    std::vector<std::string> revive;  // argv after the program's name: {"recover", "--config", f}
    std::vector<std::string> revert;  // when revived too often: {"revert-all", "--config", f}
    int revivals_max = 5;             // within `revivals_within`; counted in the environment
    std::chrono::seconds revivals_within{60};
  };

  // REQUIRES: called early in main(), before any thread exists and before prepare_signals().
  static Result<std::unique_ptr<Guardian>> start(Options options);
  // Says goodbye: the guardian ends and does nothing.
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  // Starts the watcher. REQUIRES: once, after prepare_signals(). `restarted` is called on its
  // thread with the pid of each new guardian.
  void watch(std::function<void(pid_t)> restarted);
  pid_t pid() const;

 private:
  struct Impl;
  explicit Guardian(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi::agent
