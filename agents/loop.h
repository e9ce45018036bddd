// SPDX-License-Identifier: Apache-2.0
// Loop: a thread's inbox of tasks, and a turn after each batch of them.
//
// Other threads post tasks, or call one and wait for its value. Bounded: a full inbox refuses.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "agents/limits.h"
#include "core/base/clock.h"
#include "core/base/mailbox.h"
#include "core/base/result.h"

namespace panshi::agent {

class Loop {
 public:
  using Task = std::function<void()>;
  // Called after each batch of tasks; says when it wants to be called at the latest.
  using Turn = std::function<std::optional<MonoTime>()>;

  Loop() : tasks_(limits::kLoopTasksMax) {}

  // False when full or ended; the task is then dropped.
  bool post(Task task) { return tasks_.put(std::move(task)); }
  // What must not be lost waits for room: a full inbox is emptied within milliseconds. Dropped when
  // the loop has ended. REQUIRES: not called on the loop's own thread.
  void post_surely(const Task& task) {
    while (!post(task) && !ended()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  // Runs `function` on the loop's thread and waits for its Result. kUnavailable when the loop is
  // full or has ended. REQUIRES: not called on the loop's own thread.
  template <class Function>
  auto call(Function function) -> decltype(function()) {
    using Value = decltype(function());
    auto promise = std::make_shared<std::promise<Value>>();
    auto answer = promise->get_future();
    const bool posted =
        post([promise, function = std::move(function)] { promise->set_value(function()); });
    promise.reset();  // a task dropped unrun then breaks the promise
    if (!posted) return fail(ErrorCode::kUnavailable, "the agent is busy or stopping");
    try {
      return answer.get();
    } catch (const std::future_error&) {
      return fail(ErrorCode::kUnavailable, "the agent is stopping");
    }
  }

  // Until end(); tasks not run by then are dropped.
  void run(const Turn& turn) {
    for (;;) {
      const std::optional<MonoTime> deadline = turn();
      auto tasks = tasks_.take_all(deadline);
      if (tasks_.closed()) return;
      for (Task& task : tasks) task();
    }
  }
  void end() { tasks_.close(); }  // any thread, also the loop's own
  bool ended() const { return tasks_.closed(); }

 private:
  Mailbox<Task> tasks_;
};

}  // namespace panshi::agent
