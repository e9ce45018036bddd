// SPDX-License-Identifier: Apache-2.0
// Snapshot<T>: one thread publishes an immutable value, any thread reads the newest.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace panshi {

template <class T>
class Snapshot {
 public:
  explicit Snapshot(T first) : value_(std::make_shared<const T>(std::move(first))) {}

  void publish(T value) {
    auto fresh = std::make_shared<const T>(std::move(value));
    const std::lock_guard lock(mutex_);
    value_.swap(fresh);
  }
  std::shared_ptr<const T> read() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace panshi
