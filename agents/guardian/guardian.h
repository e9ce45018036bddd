// SPDX-License-Identifier: Apache-2.0
// Guardian: a small child that notices that the agent died or froze, and starts a new one in its
// own place.
//
// It holds the read end of a pipe whose write end only the agent has. End of file without a
// goodbye means the agent died (a crash, kill -9, the OOM killer). An agent that has not moved
// by the time it named last (moving()) is frozen: the guardian kills it. Then it executes
// /proc/self/exe with `revive`, or with `revert` when the agent came back too often lately.
// It touches nothing itself, uses no memory to speak of, and looks up every two seconds.
// When the guardian dies or freezes, its watcher (thread `guardian`) starts another one.
// Both frozen, or both dead, is for whoever started the agent (systemd: WatchdogSec, Restart).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

inline constexpr MonoTime kMovesNever = MonoTime::max();

class Guardian {
 public:
  struct Options {
    std::vector<std::string> revive;  // argv after the program's name: {"recover", "--config", f}
    std::vector<std::string> revive_frozen;  // the same, of an agent that the guardian killed
    std::vector<std::string> revert;  // when revived too often: {"revert-all", "--config", f}
    int revivals_max = 5;             // within `revivals_within`; counted in the environment
    std::chrono::seconds revivals_within{60};
    Duration grace = std::chrono::seconds(2);      // after the time named, before it is killed
    Duration ask_every = std::chrono::seconds(2);  // whether the guardian moves; two are missed
  };

  // REQUIRES: called early in main(), before any thread exists and before prepare_signals().
  static Result<std::unique_ptr<Guardian>> start(Options options);
  // Says goodbye: the guardian ends and does nothing.
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  // Keeps in `file` which process the guardian is. The one that the file names until now is ended
  // if it still stands: its agent is gone, and a frozen one would wait for ever. REQUIRES: the
  // caller holds the lock of the state that `file` is in; before watch().
  Status take_over(const std::filesystem::path& file);
  // Starts the watcher. REQUIRES: once, after prepare_signals(). `restarted` is called on its
  // thread with the pid of each new guardian.
  void watch(std::function<void(pid_t)> restarted);
  void unwatch();  // ends the watcher: `restarted` is not called any more
  // The agent will have called this again by then; kMovesNever: it promises nothing. Any thread.
  void moving(MonoTime by);
  pid_t pid() const;

 private:
  struct Impl;
  explicit Guardian(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi::agent
