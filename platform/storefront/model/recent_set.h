// SPDX-License-Identifier: Apache-2.0
// RecentSet: the last `max` names that were added; the oldest leaves when a new one comes.
//
// Pure. One thread at a time (users hold their own lock).
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_set>

namespace panshi::shop {

class RecentSet {
 public:
  explicit RecentSet(std::size_t max) : max_(max) {}

  void add(const std::string& name) {
    if (max_ == 0 || !names_.insert(name).second) return;
    order_.push_back(name);
    if (order_.size() <= max_) return;
    names_.erase(order_.front());
    order_.pop_front();
  }
  bool contains(const std::string& name) const { return names_.contains(name); }
  std::size_t size() const { return order_.size(); }

 private:
  std::size_t max_;
  std::unordered_set<std::string> names_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace panshi::shop
