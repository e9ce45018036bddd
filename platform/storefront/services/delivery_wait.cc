// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/delivery_wait.h"

#include <algorithm>

namespace panshi::shop {
namespace {

constexpr double kWeight = 0.2;  // of the newest delivery in the running mean

double to_ms(Duration duration) { return static_cast<double>(duration.count()) / 1'000; }

}  // namespace

void DeliveryWait::delivered(const std::string& order, MonoTime now) {
  const auto found = since_.find(order);
  if (found == since_.end()) return;
  mean_ms_ += kWeight * (to_ms(now - found->second) - mean_ms_);
  since_.erase(found);
}

double DeliveryWait::latency_ms(MonoTime now) const {
  if (since_.empty()) return mean_ms_;
  MonoTime oldest = now;
  for (const auto& [order, since] : since_) oldest = std::min(oldest, since);
  return to_ms(now - oldest);
}

}  // namespace panshi::shop
