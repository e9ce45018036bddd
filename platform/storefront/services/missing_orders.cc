// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/missing_orders.h"

namespace panshi::shop {

bool MissingOrders::is_given_up(const std::string& order, bool none_comes, MonoTime now) {
  const auto known = since_.find(order);
  if (known != since_.end()) {
    const Duration missed = now - known->second;
    const bool over = missed >= options_.within_max || (none_comes && missed >= options_.within);
    if (over) since_.erase(known);
    return over;
  }
  if (since_.size() >= options_.orders_max) {  // another delivery may have decided some of them
    std::erase_if(since_,
                  [&](const auto& each) { return now - each.second >= options_.within_max; });
  }
  if (since_.size() < options_.orders_max) since_.emplace(order, now);
  return false;
}

}  // namespace panshi::shop
