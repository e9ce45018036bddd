// SPDX-License-Identifier: Apache-2.0
// Mailbox<T>: a bounded queue from many threads to one.
//
// Full means `put` returns false and the sender must decide: nothing grows without a limit.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/clock.h"

namespace panshi {

template <class T>
class Mailbox {
 public:
  explicit Mailbox(std::size_t capacity) : capacity_(capacity) {}

  // False when full or closed; the item is then dropped.
  bool put(T item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(item));
    }
    ready_.notify_one();
    return true;
  }

  // Everything waiting; blocks until there is something, `deadline` passes, or close().
  std::vector<T> take_all(std::optional<MonoTime> deadline) {
    std::unique_lock lock(mutex_);
    const auto due = [this] { return closed_ || !items_.empty(); };
    if (deadline) {
      ready_.wait_until(lock, *deadline, due);
    } else {
      ready_.wait(lock, due);
    }
    return take();
  }

  // Everything waiting, without blocking.
  std::vector<T> take_now() {
    const std::lock_guard lock(mutex_);
    return take();
  }
  bool empty() const {
    const std::lock_guard lock(mutex_);
    return items_.empty();
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }
  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  std::vector<T> take() {
    std::vector<T> taken(std::make_move_iterator(items_.begin()),
                         std::make_move_iterator(items_.end()));
    items_.clear();
    return taken;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace panshi
