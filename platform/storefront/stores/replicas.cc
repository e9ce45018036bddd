// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/replicas.h"

#include "core/base/check.h"
#include "platform/storefront/model/shard.h"

namespace panshi::shop {

Replicas::Replicas(Shards& primaries, const Options& options)
    : primaries_(primaries), bound_(options.bound) {
  CHECK_BUG(options.of_shards.size() == primaries.size());
  for (const auto& of_shard : options.of_shards) {
    std::vector<Copy>& copies = shards_.emplace_back();
    for (const MariaDb::Options& one : of_shard) {
      copies.push_back({std::make_unique<ShopDatabase>(one, options.connections), {}});
    }
  }
}

void Replicas::measure() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const MonoTime asked = SystemClock().mono();
    const auto primary = primaries_.at(i).position();
    for (Copy& copy : shards_[i]) {
      const auto replica = copy.database->position();
      const std::lock_guard lock(mutex_);
      if (primary) copy.lag.primary_was_at(*primary, asked);
      if (replica) copy.lag.replica_is_at(*replica);
    }
  }
}

ShopDatabase* Replicas::fresh_for(const std::string& user) {
  std::vector<Copy>& copies = shards_[shard_of(user, shards_.size())];
  const MonoTime now = SystemClock().mono();
  const std::size_t first = turn_++;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    Copy& copy = copies[(first + i) % copies.size()];
    const auto staleness = copy.lag.staleness(now);
    if (staleness && *staleness <= bound_) return copy.database.get();
  }
  ++refused_stale_;
  return nullptr;
}

std::optional<Duration> Replicas::best_lag(const std::vector<Copy>& copies) const {
  std::optional<Duration> best;
  for (const Copy& copy : copies) {
    const auto lag = copy.lag.staleness(SystemClock().mono());
    if (lag && (!best || *lag < *best)) best = lag;
  }
  return best;
}

void Replicas::add_to(nlohmann::json& status) const {
  const std::lock_guard lock(mutex_);
  std::int64_t worst_ms = 0;
  for (const auto& copies : shards_) {
    const auto best = best_lag(copies);
    const std::int64_t ms =
        best ? std::chrono::duration_cast<std::chrono::milliseconds>(*best).count() : -1;
    worst_ms = ms < 0 || worst_ms < 0 ? -1 : std::max(worst_ms, ms);
  }
  status["replica_lag_ms"] = worst_ms;
  status["replica_refused_stale"] = refused_stale_.load();
}

}  // namespace panshi::shop
