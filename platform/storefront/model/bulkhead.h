// SPDX-License-Identifier: Apache-2.0
// Bulkhead: at most so many calls at once into one dependency, so that one that hangs cannot take
// the threads of all the others. Beyond the limit a call is refused at once; nobody queues.
//
// Pure. One thread at a time (users hold their own lock).
#pragma once

#include <cstdint>

#include "core/base/check.h"

namespace panshi::shop {

class Bulkhead {
 public:
  explicit Bulkhead(std::int64_t max) : max_(max) {}

  // After true, exactly one leave() must follow.
  bool enter() {
    if (inside_ >= max_) {
      ++refused_;
      return false;
    }
    ++inside_;
    return true;
  }
  void leave() {
    CHECK_BUG(inside_ > 0);
    --inside_;
  }
  std::int64_t inside() const { return inside_; }
  std::uint64_t refused() const { return refused_; }

 private:
  std::int64_t max_;
  std::int64_t inside_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace panshi::shop
