// SPDX-License-Identifier: Apache-2.0
// Seat: one of so many who may do something at once, while it lives. Any thread.
#pragma once

#include <atomic>

namespace panshi {

class Seat {
 public:
  Seat(std::atomic<int>& taken, int most) : taken_(taken), is_there_(++taken <= most) {}
  ~Seat() { --taken_; }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  bool is_there() const { return is_there_; }  // false: there was none left

 private:
  std::atomic<int>& taken_;
  const bool is_there_;
};

}  // namespace panshi
