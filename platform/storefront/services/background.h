// SPDX-License-Identifier: Apache-2.0
// Background: a thread that does something again and again until its owner ends.
//
// `work` is called at once and then every `every`, counted from the end of the last call; it must
// end by itself. The destructor waits for a call under way.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "core/base/clock.h"

namespace panshi::shop {

class Background {
 public:
  Background(Duration every, std::function<void()> work)
      : thread_([this, every, work = std::move(work)] {
          std::unique_lock lock(mutex_);
          while (!stopping_) {
            lock.unlock();
            work();
            lock.lock();
            changed_.wait_for(lock, every, [this] { return stopping_; });
          }
        }) {}
  ~Background() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;  // last: uses the members above
};

}  // namespace panshi::shop
