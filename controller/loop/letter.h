// SPDX-License-Identifier: Apache-2.0
// Letter: one input on its way to the loop, with what must happen along with it.
//
// A letter from an agent carries the cursor that becomes durable with the events made from it. A
// letter from a person carries a Reply: the sender waits on it, the loop answers it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "controller/journal/journal.h"
#include "controller/loop/step.h"
#include "core/base/mailbox.h"

namespace panshi::controller {

class Reply {
 public:
  // Loop: false when the sender has given up; the command must then be dropped.
  bool take() {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kWaiting) return false;
    state_ = State::kTaken;
    return true;
  }
  void answer(Result<nlohmann::json> result) {
    {
      const std::lock_guard lock(mutex_);
      result_ = std::move(result);
    }
    answered_.notify_all();
  }

  // Sender. kUnavailable: the loop did not come to it and never will. kTimeout: it was begun.
  Result<nlohmann::json> wait(Duration patience) {
    std::unique_lock lock(mutex_);
    const auto has_result = [this] { return result_.has_value(); };
    if (answered_.wait_for(lock, patience, has_result)) return *result_;
    if (state_ == State::kWaiting) {
      state_ = State::kGivenUp;
      return fail(ErrorCode::kUnavailable, "the controller's loop is busy; nothing was done");
    }
    if (answered_.wait_for(lock, patience, has_result)) return *result_;
    return fail(ErrorCode::kTimeout, "the controller has begun it and did not answer in time");
  }

 private:
  enum class State { kWaiting, kTaken, kGivenUp };
  std::mutex mutex_;
  std::condition_variable answered_;
  State state_ = State::kWaiting;
  std::optional<Result<nlohmann::json>> result_;
};

struct Letter {
  Input input;
  std::optional<AgentCursor> cursor = {};  // with AgentEvents
  std::shared_ptr<Reply> reply = {};       // with Command
};

using LetterBox = Mailbox<Letter>;

}  // namespace panshi::controller
