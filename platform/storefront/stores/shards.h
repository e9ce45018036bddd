// SPDX-License-Identifier: Apache-2.0
// Shards: the databases of the shop, each with its own connections and its own circuit breaker, so
// that one that is away is felt by its users only.
//
// Each shard has its share of every product's card keys; a shard that runs dry gets more from the
// one that has most (refill). Any thread.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/storefront/stores/database.h"

namespace panshi::shop {

class Shards {
 public:
  // REQUIRES: 1 to 100 of them, always in the same order.
  Shards(const std::vector<MariaDb::Options>& shards, std::size_t connections_each);

  ShopDatabase& of(const std::string& user);
  std::size_t size() const { return shards_.size(); }
  ShopDatabase& at(std::size_t index) { return *shards_.at(index); }

  // How many answer.
  std::size_t count_up();

  // pool_database_size, _in_use, _waits, _wait_ms, _refused: of all shards together.
  void add_to(nlohmann::json& status) const;

  // The goods with the counts of all shards added up; fails when one cannot be read.
  Result<std::vector<ShopDatabase::CatalogRow>> catalog();

  // Moves free keys of `product` to the user's shard, from the shard that has most. Returns how
  // many came; 0: there are none anywhere. Safe to call at once from many processes, and after one
  // died in the middle.
  Result<std::int64_t> refill(const std::string& user, const std::string& product);

 private:
  std::vector<std::unique_ptr<ShopDatabase>> shards_;
};

}  // namespace panshi::shop
