// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/upkeep.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace panshi::agent {

using namespace std::chrono_literals;

Upkeep::Upkeep(Duration every, std::function<void()> act)
    : every_(every), act_(std::move(act)), thread_([this] { run(); }) {
  ::pthread_setname_np(thread_.native_handle(), "upkeep");
}

Upkeep::~Upkeep() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Duration Upkeep::every(Duration lease) { return step(lease) / 3; }

Duration Upkeep::step(Duration lease) { return std::max<Duration>(lease, 500ms); }

Duration Upkeep::lease_of(const nlohmann::json& resolved) {
  return std::chrono::milliseconds(resolved.value(kLeaseMs, std::int64_t{10'000}));
}

void Upkeep::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, every_, [this] { return ended_; })) {
    lock.unlock();
    act_();
    lock.lock();
  }
}

}  // namespace panshi::agent
