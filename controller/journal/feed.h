// SPDX-License-Identifier: Apache-2.0
// Feed: tells waiting readers that the journal has grown.
//
// The writer publishes the newest number; any thread waits for one beyond what it has read.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "core/base/clock.h"

namespace panshi::controller {

class Feed {
 public:
  void publish(std::int64_t last_seq) {
    {
      const std::lock_guard lock(mutex_);
      last_seq_ = last_seq;
    }
    grown_.notify_all();
  }

  // False when there was nothing beyond `seq` until `deadline`, or close() was called.
  bool wait_beyond(std::int64_t seq, MonoTime deadline) {
    std::unique_lock lock(mutex_);
    grown_.wait_until(lock, deadline, [&] { return closed_ || last_seq_ > seq; });
    return !closed_ && last_seq_ > seq;
  }

  std::int64_t last_seq() const {
    const std::lock_guard lock(mutex_);
    return last_seq_;
  }

  void close() {  // lets every reader go
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    grown_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable grown_;
  std::int64_t last_seq_ = 0;
  bool closed_ = false;
};

}  // namespace panshi::controller
