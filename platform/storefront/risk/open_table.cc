// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/risk/open_table.h"

namespace panshi::shop {

void OpenTable::forget(std::unordered_map<std::string, Open>::iterator order) {
  const auto count = of_key_.find(order->second.key);
  if (--count->second == 0) of_key_.erase(count);
  oldest_first_.erase(order->second.place);
  orders_.erase(order);
}

void OpenTable::forget_old(MonoTime now) {
  while (!oldest_first_.empty()) {
    const auto oldest = orders_.find(oldest_first_.front());
    if (oldest->second.until > now) return;
    forget(oldest);
  }
}

std::size_t OpenTable::open(const std::string& key, MonoTime now) {
  forget_old(now);
  const auto count = of_key_.find(key);
  return count == of_key_.end() ? 0 : count->second;
}

bool OpenTable::is_full(MonoTime now) {
  forget_old(now);
  return orders_.size() >= orders_max_;
}

void OpenTable::placed(const std::string& key, const std::string& order, MonoTime now) {
  if (is_full(now) || orders_.contains(order)) return;
  oldest_first_.push_back(order);
  orders_[order] = {key, now + open_for_, std::prev(oldest_first_.end())};
  ++of_key_[key];
}

void OpenTable::paid(const std::string& order) {
  const auto found = orders_.find(order);
  if (found != orders_.end()) forget(found);
}

}  // namespace panshi::shop
