// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/repeated.h"

#include <utility>

#include "agents/faults/database/admin.h"

namespace panshi::agent {
namespace {

// After a "no" of the server, which may come at once, so that it is not asked without pause.
constexpr Duration kAfterRefusal = std::chrono::milliseconds(10);

}  // namespace

Repeated::Repeated(std::unique_ptr<SqlSession> session, std::string statement, std::string after,
                   Duration delay)
    : session_(std::move(session)),
      statement_(std::move(statement)),
      after_(std::move(after)),
      thread_([this, delay] { run(delay); }) {}

Repeated::~Repeated() {
  stop();
  thread_.join();
}

void Repeated::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

bool Repeated::stopped_within(Duration time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [&] { return stopped_; });
}

void Repeated::run(Duration delay) {
  if (stopped_within(delay)) return;
  do {
    auto done = session_->run(statement_);
    if (done && !after_.empty()) done = session_->run(after_);
    if (!done && session_lost(done.error())) return;
    if (!done && stopped_within(kAfterRefusal)) return;
  } while (!stopped_within(Duration::zero()));
}

}  // namespace panshi::agent
