// SPDX-License-Identifier: Apache-2.0
// DamageSite: a small shop at rest whose stores a test spoils, one damage after the other.
//
// The customers came and went, everything is delivered, and the services that would mend something
// are ended: what is left are the stores, the provider, the coupons and the customers' log. mend()
// puts back all of them, as they were when the site was ready.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/io/redis.h"
#include "core/io/sqlite.h"
#include "tests/integration/ledger/load.h"

namespace panshi {

class DamageSite {
 public:
  DamageSite();

  struct Sold {
    std::string order, user, product, key, card_key, coupon;
    int shard = 0;
  };
  // Orders that are delivered and whose customer was shown his key, without a coupon; with one; and
  // orders that are placed and not paid, first those whose product their shard has a free key of.
  std::vector<Sold> delivered, with_coupon, unpaid;
  // As root, on a shard; `at_replica`: only there.
  void sql(int shard, const std::string& statement);
  void at_replica(const std::string& statement);
  std::string ask(int shard, const std::string& query);
  // Moves rows that fulfil `where` from one shard to another.
  void move(const std::string& table, const std::string& where, int from, int to);
  void copy(const std::string& table, const std::string& where, int from, int to);
  void redis(const std::vector<std::string>& command);
  std::string ask_redis(const std::vector<std::string>& command);
  void provider(const std::string& statement);
  void coupons(const std::string& statement);
  // Everywhere in the customers' log, where it is the whole value.
  void log_all(const std::string& was, const std::string& becomes);

  nlohmann::json audit();
  void mend();

  // Every column there is: "mariadb.orders.state", "redis.hold.user" …
  std::set<std::string> columns();

  Shop& shop() { return *shop_; }

 private:
  using Table = std::vector<MariaDb::Row>;
  void wait_until_ready();
  void choose();
  void remember();
  std::vector<std::string> columns_of(int shard, const std::string& table);
  std::string insert_from(int shard, const std::string& table, const std::string& from);
  void restore_sqlite(Database& database, const std::string& table);

  std::unique_ptr<Shop> shop_;
  std::unique_ptr<Load> load_;
  std::vector<MariaDb> shards_;
  std::unique_ptr<MariaDb> replica_;
  std::unique_ptr<Redis> redis_;
  std::unique_ptr<Database> provider_, coupons_;
  std::map<std::string, std::pair<std::string, std::int64_t>> dump_;  // of Redis
  std::string log_;
  bool replica_touched_ = false;
};

}  // namespace panshi
