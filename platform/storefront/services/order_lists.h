// SPDX-License-Identifier: Apache-2.0
// OrderLists: a user's orders, from replicas of the shards when they are fresh enough.
//
// A list may be as old as `replicas.staleness`, but never for who ordered within that time: who
// writes an order says so first. Any thread.
#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/stores/replicas.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {

class OrderLists {
 public:
  // `shards` and `stock` must outlive this.
  OrderLists(const OrdersConfig& config, Shards& shards, SoftStock& stock);

  // Newest first, at most kMax.
  Result<std::vector<StoredOrder>> of(const std::string& user);
  // Before the row of an order is written. Should it fail, the mark can hardly be asked for either.
  void note_writer(const std::string& user);
  // replica_reads, replica_refused_own_writes and those of Replicas; nothing when there are none.
  void add_to(nlohmann::json& status) const;

 private:
  static constexpr int kMax = 50;

  const Duration staleness_;
  const Duration deadline_;
  Shards& shards_;
  SoftStock& stock_;
  std::atomic<std::int64_t> reads_{0}, own_writes_{0};
  std::unique_ptr<Replicas> replicas_;  // null: none
  std::optional<Background> measure_;   // last: uses replicas_
};

}  // namespace panshi::shop
