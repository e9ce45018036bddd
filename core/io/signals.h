// SPDX-License-Identifier: Apache-2.0
// Signals of a long-running program.
#pragma once

#include <functional>
#include <memory>

namespace panshi {

// Blocks SIGTERM and SIGINT in this thread and those it starts later, ignores SIGPIPE.
// REQUIRES: called in main() before any thread exists.
void prepare_signals();

// Waits on a thread of its own for the first SIGTERM or SIGINT, then calls `stop` there once.
// A second one ends the process at once with status 130, also while `stop` is still running.
// REQUIRES: prepare_signals().
class StopSignal {
 public:
  explicit StopSignal(std::function<void(int signal)> stop);
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
