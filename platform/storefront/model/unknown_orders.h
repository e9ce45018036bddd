// SPDX-License-Identifier: Apache-2.0
// UnknownOrders: orders that were looked for a moment ago and are nowhere, so that who asks for
// them again and again does not reach the database each time. Pure; users hold their own lock.
//
// Asked only after Redis, which knows each new order at once: an order that comes to be meanwhile
// is found. The oldest leaves when there are `max`.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/base/clock.h"

namespace panshi::shop {

class UnknownOrders {
 public:
  UnknownOrders(std::size_t max, Duration keep) : max_(max), keep_(keep) {}

  void add(const std::string& order, MonoTime now) {
    if (max_ == 0 || keep_ <= Duration(0)) return;
    while (!oldest_.empty() && oldest_.front().second <= now) leave();
    if (!until_.try_emplace(order, now + keep_).second) return;
    oldest_.emplace_back(order, now + keep_);
    if (oldest_.size() > max_) leave();
  }
  bool contains(const std::string& order, MonoTime now) const {
    const auto found = until_.find(order);
    return found != until_.end() && now < found->second;
  }
  std::size_t size() const { return until_.size(); }

 private:
  void leave() {
    until_.erase(oldest_.front().first);
    oldest_.pop_front();
  }

  const std::size_t max_;
  const Duration keep_;
  std::unordered_map<std::string, MonoTime> until_;
  std::deque<std::pair<std::string, MonoTime>> oldest_;
};

}  // namespace panshi::shop
