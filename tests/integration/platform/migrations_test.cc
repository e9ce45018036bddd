// SPDX-License-Identifier: Apache-2.0
// Promise: migrations bring a real database to where the program is, once, whoever asks and
// wherever an earlier attempt ended.
#include "platform/storefront/stores/migrations.h"

#include <catch2/catch.hpp>
#include <thread>

#include "platform/storefront/stores/schema.h"
#include "tests/support/shop_servers.h"

using namespace panshi;
using namespace panshi::shop;
using Server = ShopServers::Server;

namespace {

constexpr Migration kSteps[] = {
    {"a table", "CREATE TABLE IF NOT EXISTS shop.things (thing INT NOT NULL PRIMARY KEY)"},
    {"a column", "ALTER TABLE shop.things ADD COLUMN IF NOT EXISTS size INT NOT NULL DEFAULT 1"},
    {"one thing", "INSERT IGNORE INTO shop.things (thing) VALUES (1)"}};

struct Bench {
  Bench() : servers({Server::kPrimary}) {}
  MariaDb connect() {
    auto options = servers.shop_account();
    options.statement_timeout = std::chrono::seconds(30);
    return MariaDb::connect(options).value();
  }
  Result<std::size_t> run(std::span<const Migration> steps) {
    MariaDb database = connect();
    return migrate(database, steps, SystemClock().wall(), std::chrono::seconds(20));
  }
  std::string one(const std::string& sql) {
    MariaDb database = connect();
    const auto answer = database.run(sql);
    REQUIRE(answer);
    return answer->rows.at(0).at(0).value_or("NULL");
  }
  ShopServers servers;
};

}  // namespace

TEST_CASE("migrations are carried out once, go on where they ended, and refuse a changed step") {
  Bench bench;
  CHECK(bench.run(std::span(kSteps).first(2)).value() == 2);
  CHECK(bench.run(kSteps).value() == 1);
  CHECK(bench.run(kSteps).value() == 0);
  CHECK(bench.one("SELECT SUM(size) FROM shop.things") == "1");

  // One that died after a step and before the note of it: the step is carried out again.
  (void)bench.connect().script("DELETE FROM shop.migrations WHERE version = 3");
  CHECK(bench.run(kSteps).value() == 1);

  constexpr Migration kChanged[] = {
      kSteps[0], {"a column", "ALTER TABLE shop.things DROP size"}, kSteps[2]};
  const auto refused = bench.run(kChanged);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK(refused.error().message.find("migration 2 (a column) was changed") != std::string::npos);
  CHECK(bench.one("SELECT SUM(size) FROM shop.things") == "1");
}

TEST_CASE("two who migrate at once carry each step out once") {
  Bench bench;
  std::vector<std::thread> threads;
  std::vector<std::size_t> counts(4, 99);
  for (std::size_t& count : counts) {
    threads.emplace_back([&] { count = bench.run(shop_migrations()).value_or(99); });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t sum = 0;
  for (const std::size_t count : counts) sum += count;
  CHECK(sum == shop_migrations().size());
}

TEST_CASE("a shop from before there were migrations gets what is new and keeps what it has") {
  Bench bench;
  MariaDb database = bench.connect();
  REQUIRE(database.script("CREATE DATABASE IF NOT EXISTS shop"));
  for (const Migration& step : shop_migrations().first(4)) REQUIRE(database.script(step.sql));
  REQUIRE(
      database.script("INSERT INTO shop.card_keys (product, card_key, order_id, delivered_at_us)"
                      " VALUES ('p', 'A', NULL, NULL), ('p', 'B', 'o-1', 5)"));
  CHECK(bench.run(shop_migrations()).value() == shop_migrations().size());
  CHECK(bench.one("SELECT GROUP_CONCAT(state ORDER BY key_id) FROM shop.card_keys") ==
        "free,delivered");
}
