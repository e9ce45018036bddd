// SPDX-License-Identifier: Apache-2.0
// Promise: the numbers of pools, caches and queues tell what happened.
#include <catch2/catch.hpp>
#include <thread>

#include "core/base/text.h"
#include "tests/integration/platform/shop.h"
#include "tests/support/eventually.h"
#include "tests/support/shop_session.h"

using namespace panshi;

TEST_CASE("callers who wait for one of too few connections to Redis are counted") {
  Shop shop(Shop::More{{"orders", "redis: {address: \"${address}:17379\", connections: 1}\n"}});
  const std::string order = shop.place("k1").body.at("order");
  CHECK(shop.status_of(Shop::kOrders, "pool_redis_size") >= 1);
  HttpCall look;
  look.url = cat("http://", shop.servers().address(), ":", Shop::kGateway, "/api/orders/", order,
                 "?user=u1");
  look.headers["Cookie"] = session_cookie("u1");
  const auto look_all_at_once = [&] {
    std::vector<std::thread> crowd;
    for (int i = 0; i < 8; ++i) {
      crowd.emplace_back([&] {
        HttpClient client;  // one thread at a time
        for (int n = 0; n < 20; ++n) (void)client.send(look);
      });
    }
    for (std::thread& one : crowd) one.join();
    return shop.status_of(Shop::kOrders, "pool_redis_waits") > 0;
  };
  CHECK(eventually(look_all_at_once));
  CHECK(eventually([&] { return shop.status_of(Shop::kOrders, "pool_redis_in_use") == 0; }));
  CHECK(shop.status_of(Shop::kOrders, "pool_redis_refused") == 0);
}

TEST_CASE("an order that Redis knows is a hit, one that only the database knows a miss") {
  Shop shop;
  const std::string order = shop.place("k1").body.at("order");
  const auto hits = [&] { return shop.status_of(Shop::kOrders, "cache_l2_hits"); };
  const auto misses = [&] { return shop.status_of(Shop::kOrders, "cache_l2_misses"); };
  const std::int64_t hits_before = hits();
  const std::int64_t misses_before = misses();
  for (int i = 0; i < 5; ++i) REQUIRE(shop.look(order).at("state") == "placed");
  CHECK(hits() == hits_before + 5);
  CHECK(misses() == misses_before);
  auto redis = Redis::connect(shop.servers().redis());
  REQUIRE(redis);
  REQUIRE(redis->run({"DEL", cat("hold:{music-month}:", order)}));
  for (int i = 0; i < 3; ++i) REQUIRE(shop.look(order).at("state") == "placed");
  CHECK(hits() == hits_before + 5);
  CHECK(misses() == misses_before + 3);
}

TEST_CASE("what a consumer has not done yet is its lag, and the lag goes when it is done") {
  Shop shop;
  shop.kill("cardkeys");
  for (int i = 0; i < 3; ++i) {
    const std::string order = shop.place(cat("k", i)).body.at("order");
    REQUIRE(shop.pay(order, cat("p", i)).status == 200);
  }
  const auto lag = [&] { return shop.status_of(Shop::kDelivery, "queue_lag_delivery"); };
  CHECK(eventually([&] { return lag() == 3; }));
  CHECK(shop.status_of(Shop::kOrdersWorker, "pool_database_size") == 12);
  shop.start("cardkeys");
  CHECK(eventually([&] { return lag() == 0; }));
  CHECK(shop.status_of(Shop::kDelivery, "pool_redis_size") >= 1);
}

TEST_CASE("a paid order that must wait for its delivery has a key kept for it, and gets that one") {
  Shop shop;
  shop.kill("cardkeys");
  const std::string order = shop.place("k1").body.at("order");
  REQUIRE(shop.pay(order, "p1").status == 200);
  const auto of_key = [&](const char* column) {
    return shop.sql(cat("SELECT ", column, " FROM shop.card_keys WHERE order_id = '", order, "'"));
  };
  CHECK(eventually([&] { return of_key("state") == "reserved"; }));
  const std::string kept = of_key("card_key");
  shop.start("cardkeys");
  CHECK(shop.look_until(order, "delivered").at("card_key") == kept);
  CHECK(of_key("state") == "delivered");
}

TEST_CASE("keys that travelled to another shard are counted once, also when all is counted anew") {
  Shop shop;  // 20 keys of each product on three shards: those of u1's own are gone soon
  for (int i = 0; i < 12; ++i) {
    const std::string order = shop.place(cat("k", i)).body.at("order");
    REQUIRE(shop.pay(order, cat("p", i)).status == 200);
    REQUIRE(shop.look_until(order, "delivered").at("state") == "delivered");
  }
  REQUIRE(shop.status_of(Shop::kCardkeys, "refills") >= 1);
  auto redis = Redis::connect(shop.servers().redis());
  REQUIRE(redis);
  const auto counts = [&] {
    std::string text;
    const auto reply =
        redis->run({"HMGET", "stock:{music-month}", "initial", "free", "held", "sold"});
    for (const auto& field : reply->list) text += cat(text.empty() ? "" : " ", field.text);
    return text;
  };
  CHECK(counts() == "20 8 0 12");
  REQUIRE(redis->run({"FLUSHALL"}));
  CHECK(eventually([&] { return counts() == "20 8 0 12"; }));
}
