// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/shards.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/text.h"
#include "platform/storefront/model/shard.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kKeysMovedAtOnce = 50;

}  // namespace

Shards::Shards(const std::vector<MariaDb::Options>& shards, std::size_t connections_each) {
  CHECK_BUG(!shards.empty() && shards.size() <= 100);
  for (const MariaDb::Options& shard : shards) {
    shards_.push_back(std::make_unique<ShopDatabase>(shard, connections_each));
  }
}

ShopDatabase& Shards::of(const std::string& user) {
  return *shards_[shard_of(user, shards_.size())];
}

std::size_t Shards::count_up() {
  return static_cast<std::size_t>(std::count_if(
      shards_.begin(), shards_.end(), [](auto& shard) { return shard->ping().has_value(); }));
}

void Shards::add_to(nlohmann::json& status) const {
  Pool<MariaDb>::Stats sum;
  for (const auto& shard : shards_) {
    const auto one = shard->pool_stats();
    sum.size += one.size;
    sum.in_use += one.in_use;
    sum.waits += one.waits;
    sum.wait_us += one.wait_us;
    sum.refused += one.refused;
  }
  status["pool_database_size"] = sum.size;
  status["pool_database_in_use"] = sum.in_use;
  status["pool_database_waits"] = sum.waits;
  status["pool_database_wait_ms"] = sum.wait_us / 1'000;
  status["pool_database_refused"] = sum.refused;
}

Result<std::vector<ShopDatabase::CatalogRow>> Shards::catalog() {
  std::vector<ShopDatabase::CatalogRow> all;
  for (const auto& shard : shards_) {
    ASSIGN_OR_RETURN(const auto rows, shard->catalog());
    for (const auto& row : rows) {
      const auto known = std::find_if(
          all.begin(), all.end(), [&](const auto& other) { return other.product == row.product; });
      if (known == all.end()) {
        all.push_back(row);
        continue;
      }
      known->count.initial += row.count.initial;
      known->count.free += row.count.free;
      known->count.sold += row.count.sold;
    }
  }
  return all;
}

Result<std::int64_t> Shards::refill(const std::string& user, const std::string& product) {
  const std::size_t to = shard_of(user, shards_.size());
  std::optional<Error> away;  // a shard that could not be asked
  std::optional<std::pair<std::int64_t, std::size_t>> richest;
  for (std::size_t from = 0; from < shards_.size(); ++from) {
    if (from == to) continue;
    const auto free = shards_[from]->count_movable(product, to);
    if (!free) away = free.error();
    if (free && *free > 0 && (!richest || *free > richest->first)) richest = {*free, from};
  }
  if (!richest && away) return tl::unexpected(*away);
  if (!richest) return 0;
  ShopDatabase& from = *shards_[richest->second];
  const std::int64_t part = std::clamp<std::int64_t>(richest->first / 4, 1, kKeysMovedAtOnce);
  ASSIGN_OR_RETURN(const auto keys, from.begin_move(product, to, part));
  if (auto taken = shards_[to]->take_keys(product, keys); !taken) {
    return tl::unexpected(taken.error());
  }
  if (auto ended = from.end_move(to, keys); !ended) return tl::unexpected(ended.error());
  return static_cast<std::int64_t>(keys.size());
}

}  // namespace panshi::shop
