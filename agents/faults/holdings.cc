// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/holdings.h"

#include <utility>

namespace panshi::agent {

void Holdings::keep(const std::string& fault, std::shared_ptr<void> held) {
  const std::lock_guard lock(mutex_);
  std::swap(held_[fault], held);
  // What was held before ends with `held`, after the lock: closing may block.
}

void Holdings::let_go(const std::string& fault) {
  std::shared_ptr<void> held;
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(fault);
  if (found == held_.end()) return;
  held = std::move(found->second);
  held_.erase(found);
}

void Holdings::let_go_all() {
  std::map<std::string, std::shared_ptr<void>> all;
  const std::lock_guard lock(mutex_);
  all.swap(held_);
}

std::shared_ptr<void> Holdings::find(const std::string& fault) const {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(fault);
  return found == held_.end() ? nullptr : found->second;
}

}  // namespace panshi::agent
