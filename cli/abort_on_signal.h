// SPDX-License-Identifier: Apache-2.0
// AbortOnSignal: what Ctrl-C does to a drill that somebody follows.
//
// Promise: the first SIGINT, SIGTERM or SIGHUP asks the controller to abort the drill before all
// else, also when the drill's id was not known yet; a later one ends the waiting alone, once that
// question was answered, and says what goes on. Signals may come in any number at any time:
// `timeout -s INT` sends two at once. The first is handled on a thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

#include "cli/connection.h"
#include "core/io/signals.h"

namespace panshi::cli {

class AbortOnSignal {
 public:
  // `controller` is used for nothing else. REQUIRES: prepare_signals().
  AbortOnSignal(Connection controller, bool json);

  // A signal has come.
  const std::atomic<bool>& stop() const { return stop_; }
  // The drill is under way from here on; aborts it at once if a signal came meanwhile.
  void started(const std::string& drill);
  // Nothing (more) is under way that could be aborted.
  void over();

 private:
  enum class Stage { kAsking, kUnderWay, kAbortSent, kOver };

  void first_signal();
  void later_signal();
  void abort_locked();

  Connection controller_;
  const bool json_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  Stage stage_ = Stage::kAsking;
  std::string drill_;
  std::string refused_;  // why the abort was not accepted
  StopSignal signals_;   // last: its thread uses all of the above
};

}  // namespace panshi::cli
