// SPDX-License-Identifier: Apache-2.0
// Signals of a long-running program.
#pragma once

#include <functional>
#include <memory>

namespace panshi {

// Blocks SIGTERM and SIGINT in this thread and those it starts later, ignores SIGPIPE. With
// `hangup` the end of the terminal (SIGHUP) stops as they do.
// REQUIRES: called in main() before any thread exists.
void prepare_signals(bool hangup = false);

// Waits on a thread of its own for the first SIGTERM or SIGINT, then calls `stop` there once.
// A second one ends the process at once with status 130, also while `stop` is still running or
// once this object is gone (destroy it on the main thread, which then takes signals); with
// `again`, each later one calls that instead, on the same thread once `stop` has returned (people
// press Ctrl-C twice, and `timeout` sends its signal twice: what `stop` does must be done by then).
// REQUIRES: prepare_signals().
class StopSignal {
 public:
  explicit StopSignal(std::function<void(int signal)> stop,
                      std::function<void(int signal)> again = nullptr);
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Blocks SIGHUP as prepare_signals() does the others: from then on it is for ReloadSignal alone.
// REQUIRES: called in main() before any thread exists.
void prepare_reload_signal();

// Calls `reload` on a thread of its own for each SIGHUP; several that come at once may be one.
// REQUIRES: prepare_reload_signal().
class ReloadSignal {
 public:
  explicit ReloadSignal(std::function<void()> reload);
  ~ReloadSignal();
  ReloadSignal(const ReloadSignal&) = delete;
  ReloadSignal& operator=(const ReloadSignal&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
