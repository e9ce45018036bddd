// SPDX-License-Identifier: Apache-2.0
// Replicas: copies of the shards for reads that may be a moment behind, as long as they are seen to
// be behind by no more than a bound (ReplicaLag). Never for stock or money.
//
// measure() asks all of them, on one thread, several times within the bound. fresh_for() and
// add_to(): any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/storefront/model/replica_lag.h"
#include "platform/storefront/stores/shards.h"

namespace panshi::shop {

class Replicas {
 public:
  struct Options {
    std::vector<std::vector<MariaDb::Options>> of_shards;  // as many as there are shards
    std::size_t connections = 2;                           // to each
    Duration bound = std::chrono::seconds(2);
  };
  Replicas(Shards& primaries, const Options& options);

  void measure();
  // Null: none has been seen within the bound; ask the primary.
  ShopDatabase* fresh_for(const std::string& user);
  // replica_lag_ms (of the best copy of the shard that is worst off; -1: one has none),
  // replica_refused_stale.
  void add_to(nlohmann::json& status) const;

 private:
  struct Copy {
    std::unique_ptr<ShopDatabase> database;
    ReplicaLag lag;  // guarded by mutex_
  };
  std::optional<Duration> best_lag(const std::vector<Copy>& copies) const;

  Shards& primaries_;
  const Duration bound_;
  mutable std::mutex mutex_;
  std::vector<std::vector<Copy>> shards_;
  std::atomic<std::size_t> turn_{0};
  std::atomic<std::int64_t> refused_stale_{0};
};

}  // namespace panshi::shop
