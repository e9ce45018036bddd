// SPDX-License-Identifier: Apache-2.0
// Promise: an order gets one key and always the same, no key goes to two orders, and only a paid
// order gets one; however many ask at once.
#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>
#include <thread>

#include "core/base/text.h"
#include "platform/storefront/stores/shards.h"
#include "tests/support/shop_servers.h"

using namespace panshi;
using namespace panshi::shop;
using Server = ShopServers::Server;

namespace {

Order order_named(const std::string& key) {
  return {.order = order_id_of("u1", key, "music-month"),
          .user = "u1",
          .product = "music-month",
          .quantity = 1,
          .amount_cents = 1'500,
          .idempotency_key = key,
          .body_hash = body_hash_of("u1", "music-month", 1),
          .placed_at_us = 1,
          .paid_at_us = 2,
          .charge = "ch-1"};
}

struct Shop {
  explicit Shop(std::int64_t keys, std::size_t connections = 4)
      : servers({Server::kPrimary}), database(servers.shop_account(), connections) {
    REQUIRE(database.make_schema());
    REQUIRE(database.add_product("music-month", "Music", 1'500, keys));
    REQUIRE(database.seed_keys("music-month", "seed", keys) == keys);
  }
  ShopServers servers;
  ShopDatabase database;
};

}  // namespace

TEST_CASE("the database is set up once and again without a change") {
  Shop shop(20);
  REQUIRE(shop.database.make_schema());
  CHECK(shop.database.seed_keys("music-month", "seed", 20) == 0);
  CHECK(shop.database.seed_keys("music-month", "seed", 25) == 5);
  CHECK(shop.database.catalog()->at(0).count.free == 20);
}

TEST_CASE("a payment makes row, state and key at once, or nothing of it when no key is left") {
  Shop shop(2);
  const WallTime now{};
  const Order placed = order_named("k1");
  REQUIRE(shop.database.place(placed));
  const auto deliver = [&](const Order& order) {
    return shop.database.deliver_paid({order}, now).value().at(0);
  };
  const auto first = std::optional(deliver(placed));
  CHECK(first->outcome == ShopDatabase::Allocated::kOk);
  CHECK(deliver(placed).card_key == first->card_key);
  CHECK(first->card_key.size() == 29);

  const Order unknown = order_named("k2");  // its shard was away when it was placed
  CHECK(deliver(unknown).outcome == ShopDatabase::Allocated::kOk);
  const auto stored = shop.database.find(unknown.order);
  REQUIRE((stored && *stored));
  CHECK((*stored)->state == "delivered");
  CHECK((*stored)->order.paid_at_us == unknown.paid_at_us);

  const Order late = order_named("k3");
  CHECK(deliver(late).outcome == ShopDatabase::Allocated::kDry);
  CHECK_FALSE(shop.database.find(late.order)->has_value());
  CHECK(shop.database.paid_among({placed.order, unknown.order, late.order, "o-none"}).value() ==
        std::set<std::string>{placed.order, unknown.order});
  CHECK(shop.database.read_outbox(10)->size() == 2);  // each delivery is told once
}

TEST_CASE("of orders delivered together each gets its own answer, and the others theirs") {
  Shop shop(3);
  const Order placed = order_named("k3");
  const Order unknown = order_named("k1");
  REQUIRE(shop.database.place(placed));
  Order thief = order_named("k4");  // says the idempotency key of another order of this user
  REQUIRE(shop.database.place(thief));
  thief.order = "o-thief";
  const Order waited = order_named("k5");
  REQUIRE(shop.database.mark_paid(waited));  // a key is kept for it
  const Order poor = order_named("k6");      // comes when none is left
  using Allocated = ShopDatabase::Allocated;
  for (const char* time : {"first", "again"}) {
    INFO(time);
    const auto keys = shop.database.deliver_paid({placed, unknown, thief, waited, poor}, {});
    REQUIRE(keys);
    std::set<std::string> given;
    for (const std::size_t i : {0U, 1U, 3U}) {
      CHECK(keys->at(i).outcome == Allocated::kOk);
      given.insert(keys->at(i).card_key);
    }
    CHECK(given.size() == 3);
    CHECK(keys->at(2).outcome == Allocated::kNotPaid);
    CHECK(keys->at(4).outcome == Allocated::kDry);
    for (const auto& [order, i] : {std::pair{placed, 0U}, {unknown, 1U}, {waited, 3U}}) {
      CHECK(shop.database.find(order.order)->value().card_key == keys->at(i).card_key);
    }
  }
  CHECK(shop.database.find(order_named("k4").order)->value().state == "placed");
  CHECK_FALSE(shop.database.find(poor.order)->has_value());
  CHECK(shop.database.read_outbox(10)->size() == 3);
}

TEST_CASE("of a payment that is not what the order costs nothing is kept, row or not") {
  Shop shop(3);
  using Allocated = ShopDatabase::Allocated;
  const auto outcome = [&](const Order& order) {
    return shop.database.deliver_paid({order}, {}).value().at(0).outcome;
  };
  Order less = order_named("k1");  // with a coupon
  less.amount_cents = 1'350;
  REQUIRE(shop.database.place(less));
  Order otherwise = less;
  for (const std::int64_t cents : {0, 1'349, 1'500}) {
    otherwise.amount_cents = cents;
    CHECK(outcome(otherwise) == Allocated::kOtherwise);
    CHECK_FALSE(shop.database.mark_paid(otherwise).value());
  }
  otherwise = less;
  otherwise.product = "music-year";
  CHECK(outcome(otherwise) == Allocated::kOtherwise);
  otherwise = less;
  otherwise.user = "u2";
  CHECK(outcome(otherwise) == Allocated::kOtherwise);
  CHECK(shop.database.find(less.order)->value().state == "placed");

  Order unknown = order_named("k2");
  unknown.amount_cents = 1'350;
  CHECK(outcome(unknown) == Allocated::kNoOrder);
  CHECK_FALSE(shop.database.mark_paid(unknown).value());
  CHECK_FALSE(shop.database.find(unknown.order)->has_value());
  REQUIRE(shop.database.place(unknown));
  CHECK(shop.database.mark_paid(unknown).value());
  CHECK(outcome(unknown) == Allocated::kOk);
  CHECK(outcome(less) == Allocated::kOk);
  CHECK(shop.database.count_free_keys("music-month").value() == 1);
}

TEST_CASE("an expired order that was paid after all gets its key") {
  Shop shop(1);
  const Order order = order_named("k1");
  REQUIRE(shop.database.mark_expired(order));
  CHECK(shop.database.deliver_paid({order}, {})->at(0).outcome == ShopDatabase::Allocated::kOk);
  CHECK(shop.database.find(order.order)->value().state == "delivered");
}

TEST_CASE("many who ask at once never share a key, and askers for one order share theirs") {
  constexpr int kOrders = 40;
  constexpr int kThreads = 8;
  Shop shop(kOrders, kThreads);
  for (int i = 0; i < kOrders; ++i) REQUIRE(shop.database.mark_paid(order_named(cat("k", i))));
  std::vector<std::vector<std::string>> keys(kThreads);  // by thread, then by order
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kOrders; ++i) {  // each thread asks for every order
        for (int tries = 0; tries < 20; ++tries) {
          const auto got = shop.database.deliver_paid({order_named(cat("k", i))}, {});
          if (!got) continue;
          keys[t].push_back(got->at(0).card_key);
          break;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& seen : keys) CHECK(seen == keys[0]);
  CHECK(keys[0].size() == kOrders);
  CHECK(std::set<std::string>(keys[0].begin(), keys[0].end()).size() == kOrders);
  CHECK_FALSE(std::set<std::string>(keys[0].begin(), keys[0].end()).contains(""));
}

TEST_CASE("an order that is there already is the same order or a conflict, and never moves back") {
  Shop shop(5);
  const Order order = order_named("k1");
  REQUIRE(shop.database.place(order));
  REQUIRE(shop.database.place(order));
  Order other = order;
  other.body_hash = body_hash_of("u1", "music-year", 1);
  CHECK(shop.database.place(other).error().code == ErrorCode::kConflict);

  REQUIRE(shop.database.mark_expired(order));
  CHECK(shop.database.find(order.order)->value().state == "expired");
  REQUIRE(shop.database.mark_paid(order));
  REQUIRE(shop.database.mark_paid(order));
  CHECK(shop.database.find(order.order)->value().state == "paid");
  REQUIRE(shop.database.mark_expired(order));
  REQUIRE(shop.database.place(order));
  CHECK(shop.database.find(order.order)->value().state == "paid");
  REQUIRE(shop.database.deliver_paid({order}, {}));
  REQUIRE(shop.database.mark_paid(order));
  CHECK(shop.database.find(order.order)->value().state == "delivered");
}

TEST_CASE("a dry shard gets keys from the one that has most, and no key is ever free twice") {
  const std::vector<Server> kShards = {Server::kPrimary, Server::kShard1, Server::kShard2};
  ShopServers servers(kShards);
  std::vector<MariaDb::Options> options;
  for (const Server shard : kShards) options.push_back(servers.shop_account(shard));
  Shards shards(options, 4);
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::int64_t keys = i == 0 ? 0 : 10;
    REQUIRE(shards.at(i).make_schema());
    REQUIRE(shards.at(i).add_product("music-month", "Music", 1'500, keys));
    REQUIRE(shards.at(i).seed_keys("music-month", cat("seed:", i), keys) == keys);
  }
  // A move that broke off after the keys were taken in: they are in both shards.
  const auto broken_off = shards.at(1).begin_move("music-month", 0, 2).value();
  REQUIRE(broken_off.size() == 2);
  REQUIRE(shards.at(0).take_keys("music-month", broken_off));

  // u1 lives in the first shard. All 20 keys can be had there, each once.
  std::set<std::string> given;
  std::atomic<int> wrong = 0;  // a check is for the test's own thread alone
  std::mutex mutex;
  const auto buy = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const Order order = order_named(cat("k", i));
      wrong += shards.at(0).mark_paid(order) ? 0 : 1;
      for (int tries = 0; tries < 50; ++tries) {
        const auto got = shards.at(0).deliver_paid({order}, WallTime{});
        if (got && got->at(0).outcome == ShopDatabase::Allocated::kOk) {
          const std::lock_guard lock(mutex);
          wrong += given.insert(got->at(0).card_key).second ? 0 : 1;
          break;
        }
        wrong += shards.refill(order.user, order.product) ? 0 : 1;
      }
    }
  };
  std::thread other([&] { buy(0, 10); });
  buy(10, 20);
  other.join();
  CHECK(wrong == 0);
  CHECK(given.size() == 20);
  CHECK(shards.refill("u1", "music-month").value() == 0);

  // And back: keys that travelled once travel again, and what was repeated changes nothing.
  REQUIRE(shards.at(1).seed_keys("music-month", "seed:1", 11) == 1);
  const auto there = shards.at(1).begin_move("music-month", 0, 1).value();
  REQUIRE(there.size() == 1);
  REQUIRE(shards.at(0).take_keys("music-month", there));
  REQUIRE(shards.at(1).end_move(0, there));
  const auto back = shards.at(0).begin_move("music-month", 1, 1).value();
  REQUIRE(back.size() == 1);
  REQUIRE(shards.at(1).take_keys("music-month", back));
  REQUIRE(shards.at(0).end_move(1, back));
  REQUIRE(shards.at(0).take_keys("music-month", there));  // late, by a process that was frozen
  REQUIRE(shards.at(1).end_move(0, there));
  CHECK(shards.at(0).count_movable("music-month", 2).value() == 0);
  CHECK(shards.at(1).count_movable("music-month", 2).value() == 1);
}

TEST_CASE("a key is free, reserved for a paid order that waits, and delivered to it") {
  Shop shop(2);
  ShopDatabase& database = shop.database;
  const auto states = [&] {
    auto connection = MariaDb::connect(shop.servers.root_account());
    return connection->run("SELECT GROUP_CONCAT(state ORDER BY key_id) FROM shop.card_keys")
        ->rows.at(0)
        .at(0)
        .value_or("");
  };
  const Order first = order_named("k1");
  const Order second = order_named("k2");
  const Order third = order_named("k3");
  REQUIRE(database.place(first));
  CHECK(states() == "free,free");
  REQUIRE(database.mark_paid(first));
  REQUIRE(database.mark_paid(first));
  CHECK(states() == "reserved,free");
  CHECK(database.find(first.order)->value().card_key.empty());   // not told before it is delivered
  CHECK(database.count_movable("music-month", 1).value() == 1);  // what is reserved stays

  // Others come first: they get what is free, and then nothing.
  const auto others = database.deliver_paid({second, third}, {}).value();
  CHECK(others.at(0).outcome == ShopDatabase::Allocated::kOk);
  CHECK(others.at(1).outcome == ShopDatabase::Allocated::kDry);
  CHECK(states() == "reserved,delivered");

  const auto key = database.deliver_paid({first}, {}).value().at(0).card_key;
  CHECK(states() == "delivered,delivered");
  CHECK(key != others.at(0).card_key);
  CHECK(database.find(first.order)->value().card_key == key);
}

TEST_CASE("a key in no state at all cannot be written") {
  Shop shop(1);
  auto connection = MariaDb::connect(shop.servers.root_account());
  for (const char* bad : {"delivered_at_us = 1", "reserved_until_us = 1", "order_id = 'o-1'",
                          "order_id = 'o-1', delivered_at_us = 1, reserved_until_us = 1"}) {
    INFO(bad);
    CHECK_FALSE(connection->script(cat("UPDATE shop.card_keys SET ", bad)));
  }
}

TEST_CASE("an import is whole or not at all, and each key is for sale once") {
  Shop shop(2);
  ShopDatabase& database = shop.database;
  const auto count = [&] { return database.catalog()->at(0).count.initial; };
  REQUIRE(database.import_keys({"id-1", "music-month", {"AAAA", "BBBB"}}, WallTime{}));
  CHECK(count() == 4);
  CHECK(database.count_free_keys("music-month").value() == 4);

  const auto half = database.import_keys({"id-2", "music-month", {"CCCC", "AAAA"}}, WallTime{});
  REQUIRE_FALSE(half);
  CHECK(half.error().code == ErrorCode::kConflict);
  CHECK(half.error().message.find("key AAAA") != std::string::npos);
  CHECK_FALSE(database.has_key("CCCC").value());
  CHECK_FALSE(database.has_import("id-2").value());
  CHECK_FALSE(database.import_keys({"id-1", "music-month", {"DDDD"}}, WallTime{}));
  CHECK_FALSE(database.import_keys({"id-3", "no-such", {"EEEE"}}, WallTime{}));
  CHECK(count() == 4);
  // Imported keys do not count as those that are made.
  CHECK(database.seed_keys("music-month", "seed", 3).value() == 1);
}
