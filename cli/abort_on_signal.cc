// SPDX-License-Identifier: Apache-2.0
#include "cli/abort_on_signal.h"

#include <unistd.h>

#include <cstdio>

#include "cli/exit_codes.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::cli {
namespace {

// Not through Terminal, which belongs to the thread that follows the drill.
void say(const std::string& text) {
  std::fputs(cat("panshi: ", text, "\n").c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace

AbortOnSignal::AbortOnSignal(Connection controller, bool json)
    : controller_(std::move(controller)),
      json_(json),
      signals_([this](int) { first_signal(); }, [this](int) { later_signal(); }) {}

void AbortOnSignal::started(const std::string& drill) {
  const std::lock_guard lock(mutex_);
  drill_ = drill;
  stage_ = Stage::kUnderWay;
  if (stop_) abort_locked();
  changed_.notify_all();
}

void AbortOnSignal::over() {
  const std::lock_guard lock(mutex_);
  stage_ = Stage::kOver;
  changed_.notify_all();
}

void AbortOnSignal::first_signal() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  if (stage_ == Stage::kUnderWay) abort_locked();
  changed_.notify_all();
}

// The call is bounded by its timeout. Nothing else may happen before it is answered.
void AbortOnSignal::abort_locked() {
  stage_ = Stage::kAbortSent;
  const auto answer = controller_.post(cat("/api/v1/drills/", percent_encoded(drill_), "/abort"),
                                       {{"reason", "Ctrl-C"}});
  const bool ended_before = !answer && answer.error().code == ErrorCode::kOver;
  if (answer || ended_before) {
    return say("aborting: every fault of the drill is being reverted (Ctrl-C again stops waiting)");
  }
  refused_ = answer.error().message;
  say(cat("the drill could not be aborted: ", refused_, "; `panshi drill abort ", drill_,
          "` once the controller answers"));
}

void AbortOnSignal::later_signal() {
  std::unique_lock lock(mutex_);
  // While the controller is asked for a drill, nobody can say whether one is under way; that call
  // is bounded, and what it starts is aborted then.
  changed_.wait(lock, [this] { return stage_ == Stage::kAbortSent || stage_ == Stage::kOver; });
  if (stage_ == Stage::kOver) return;  // the end is being told: let it be
  const std::string goes_on =
      refused_.empty()
          ? cat("no longer waiting: drill ", drill_,
                " is being aborted and reverts its faults; `panshi drill show ", drill_,
                "` tells how it ended")
          : cat("no longer waiting, and drill ", drill_, " GOES ON: `panshi drill abort ", drill_,
                "` or `panshi halt` ends it (", refused_, ")");
  if (json_) {
    std::fputs((dump_json_pretty({{"drill", drill_}, {"error", goes_on}}) + "\n").c_str(), stdout);
    std::fflush(stdout);
  }
  say(goes_on);
  ::_exit(kInterrupted);
}

}  // namespace panshi::cli
