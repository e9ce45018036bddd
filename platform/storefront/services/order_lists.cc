// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/order_lists.h"

namespace panshi::shop {

OrderLists::OrderLists(const OrdersConfig& config, Shards& shards, SoftStock& stock)
    : staleness_(config.replicas.staleness),
      deadline_(config.deadline),
      shards_(shards),
      stock_(stock) {
  if (config.replicas.shards.empty()) return;
  Replicas::Options options = {.of_shards = {}, .bound = staleness_};
  for (const auto& copies : config.replicas.shards) {
    options.of_shards.push_back(mariadb_options(config.database, copies));
  }
  replicas_ = std::make_unique<Replicas>(shards, options);
  measure_.emplace(staleness_ / 4, [this] { replicas_->measure(); });
}

Result<std::vector<StoredOrder>> OrderLists::of(const std::string& user) {
  if (replicas_) {
    if (stock_.wrote_lately(user)) {
      ++own_writes_;
    } else if (ShopDatabase* replica = replicas_->fresh_for(user)) {
      auto found = replica->orders_of(user, kMax);
      if (found) {
        ++reads_;
        return found;
      }
    }
  }
  return shards_.of(user).orders_of(user, kMax);
}

void OrderLists::note_writer(const std::string& user) {
  if (replicas_) (void)stock_.note_writer(user, staleness_ + deadline_);
}

void OrderLists::add_to(nlohmann::json& status) const {
  if (!replicas_) return;
  replicas_->add_to(status);
  status["replica_reads"] = reads_.load();
  status["replica_refused_own_writes"] = own_writes_.load();
}

}  // namespace panshi::shop
