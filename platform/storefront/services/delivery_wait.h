// SPDX-License-Identifier: Apache-2.0
// DeliveryWait: how long paid orders wait for the card-key service, as one number that rises at
// once when the service freezes.
//
// It is the age of the oldest order that asked and has no answer; with none waiting, a running mean
// of the last deliveries. An order that cannot be delivered for another reason (the database is
// away, the pool is dry) does not count: the signal accuses the card-key service only.
//
// Pure: the caller passes `now`. One thread at a time.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "core/base/clock.h"

namespace panshi::shop {

class DeliveryWait {
 public:
  // Asked again, an order keeps its first time.
  void asked(const std::string& order, MonoTime now) { since_.try_emplace(order, now); }
  void delivered(const std::string& order, MonoTime now);
  void excused(const std::string& order) { since_.erase(order); }

  double latency_ms(MonoTime now) const;
  std::size_t waiting() const { return since_.size(); }

 private:
  std::map<std::string, MonoTime> since_;
  double mean_ms_ = 0;
};

}  // namespace panshi::shop
