// SPDX-License-Identifier: Apache-2.0
// ShopDatabase: the statements that the roles run on one database of the shop (a shard: shards.h).
//
// Each is one round trip and idempotent. Errors as the adapter gives them: kUnavailable surely not
// carried out, kTimeout unknown. After one failure nobody waits for the next second: kUnavailable
// at once. Any thread.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/io/mariadb.h"
#include "platform/storefront/model/order.h"
#include "platform/storefront/model/replica_lag.h"
#include "platform/storefront/stores/pool.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {

class ShopDatabase {
 public:
  ShopDatabase(MariaDb::Options options, std::size_t connections);

  // kConflict: the key is there with another body (or another key made the same order id).
  Status place(const Order& order);
  // Makes the order's row when it is not there, marks it paid unless it is further already, and
  // reserves it a key if one is free: for who must wait. kConflict: its place is taken. False: that
  // is not what it costs (see Allocated), and nothing was changed.
  Result<bool> mark_paid(const Order& order);
  // Which of these are paid or delivered already: what need not be marked.
  Result<std::set<std::string>> paid_among(const std::vector<std::string>& orders);
  // Makes the row when it is not there; an order that was paid meanwhile stays as it is.
  Status mark_expired(const Order& order);
  Result<std::optional<StoredOrder>> find(const std::string& order);
  // The newest orders of a user, newest first; without their keys.
  Result<std::vector<StoredOrder>> orders_of(const std::string& user, std::int64_t limit);

  enum class Allocated {
    kOk,
    kDry,
    kNotPaid,    // another order of this user has its idempotency key
    kOtherwise,  // its row is of another user or product, or says another amount
    kNoOrder,  // no row, and not the price of the goods: perhaps its row, with a coupon, comes yet
  };
  struct Allocation {
    Allocated outcome = Allocated::kOk;
    std::string card_key;
  };
  // Makes rows, marks payments and gives keys in one transaction, with an answer for each order:
  // the key that was reserved for it, else a free one; asked again, the same. Of an order for which
  // none is left, or that is not paid by this, nothing is marked.
  Result<std::vector<Allocation>> deliver_paid(const std::vector<Order>& orders, WallTime now);
  // Keys from elsewhere, all or none, and as many more for sale. kConflict: this import was done
  // before, or a key (named) is here already.
  struct KeyImport {
    std::string id;
    std::string product;
    std::vector<std::string> keys;
  };
  Status import_keys(const KeyImport& import, WallTime now);
  Result<bool> has_import(const std::string& id);
  Result<bool> has_key(const std::string& card_key);
  Result<std::int64_t> count_free_keys(const std::string& product);

  Status ping();
  Pool<MariaDb>::Stats pool_stats() const { return pool_.stats(); }
  // What this server has: its own transactions and those it took from its primary.
  Result<GtidPosition> position();

  // Card keys travel between shards (Shards::refill). A key's row stays where it once was, and
  // `hop` counts its journeys: the row with the highest is the key, whatever was repeated or broke
  // off, so it is never free in two shards.
  struct TravellingKey {
    std::string card_key;
    std::int64_t hop = 0;  // on arrival
  };
  // Free here, or on the way to that shard since a move broke off.
  Result<std::int64_t> count_movable(const std::string& product, std::size_t to_shard);
  // Takes up to `count` free keys out of circulation for `to_shard`, and returns all that are.
  Result<std::vector<TravellingKey>> begin_move(const std::string& product, std::size_t to_shard,
                                                std::int64_t count);
  Status take_keys(const std::string& product, const std::vector<TravellingKey>& keys);
  Status end_move(std::size_t to_shard, const std::vector<TravellingKey>& keys);

  // What is to be told, oldest first. Several may read it at once: publishing twice is harmless.
  struct OutboxRow {
    std::int64_t id = 0;
    std::string subject;
    Order order;
  };
  Result<std::vector<OutboxRow>> read_outbox(std::int64_t limit);
  Status remove_outbox(const std::vector<std::int64_t>& ids);

  // For setup.
  // Returns how many migrations were carried out (migrations.h).
  Result<std::size_t> make_schema();
  Status add_product(const std::string& product, const std::string& title, std::int64_t price_cents,
                     std::int64_t stock_initial);
  // Returns how many keys were added.
  Result<std::int64_t> seed_keys(const std::string& product, const std::string& seed,
                                 std::int64_t count);
  struct CatalogRow {
    std::string product;
    std::string title;
    std::int64_t price_cents = 0;
    StockCount count;  // free = initial - sold; nothing held
  };
  Result<std::vector<CatalogRow>> catalog();
  // For a Redis that lost its counts: adds what this shard knows of `product`. What was delivered
  // before `recent_us` is told by its id only.
  Status add_to_ledger(const std::string& product, std::int64_t recent_us, StockLedger& ledger);

 private:
  Result<MariaDb::Row> call(std::string_view sql, std::initializer_list<MariaDb::Value> values);
  Result<MariaDb::Answer> run(std::string_view sql, std::initializer_list<MariaDb::Value> values) {
    return run(sql, std::span(values.begin(), values.size()));
  }
  Result<MariaDb::Answer> run(std::string_view sql, std::span<const MariaDb::Value> values);

  const Duration statement_timeout_;
  Pool<MariaDb> pool_;
};

}  // namespace panshi::shop
