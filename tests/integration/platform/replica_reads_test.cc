// SPDX-License-Identifier: Apache-2.0
// Promise: a list of orders may come from a replica, but never from one that is older than allowed,
// and never to somebody who just ordered.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "platform/storefront/stores/replicas.h"
#include "tests/integration/platform/shop.h"
#include "tests/support/eventually.h"

using namespace panshi;
using namespace panshi::shop;
using nlohmann::json;
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
          .paid_at_us = 0,
          .charge = {}};
}

void at_replica(ShopServers& servers, const char* statement) {
  auto replica = MariaDb::connect(servers.root_account(Server::kReplica));
  REQUIRE(replica);
  REQUIRE(replica->script(statement));
}

}  // namespace

TEST_CASE(
    "a replica is read while it is fresh, not when its SQL thread stands or its primary died") {
  ShopServers servers({Server::kPrimary, Server::kReplica});
  Shards shards({servers.shop_account()}, 2);
  REQUIRE(shards.at(0).make_schema());
  Replicas replicas(shards, {.of_shards = {{servers.shop_account(Server::kReplica)}},
                             .bound = std::chrono::seconds(2)});
  CHECK(replicas.fresh_for("u1") == nullptr);  // not measured yet
  const auto fresh = [&] {
    replicas.measure();
    return replicas.fresh_for("u1") != nullptr;
  };
  const auto stale = [&] { return !fresh(); };
  REQUIRE(shards.at(0).place(order_named("k1")));
  REQUIRE(eventually(fresh));
  CHECK(replicas.fresh_for("u1")->orders_of("u1", 10)->size() == 1);

  // It goes on reading from the primary, and carries nothing out.
  at_replica(servers, "STOP SLAVE SQL_THREAD");
  REQUIRE(shards.at(0).place(order_named("k2")));
  REQUIRE(eventually(stale));
  json status;
  replicas.add_to(status);
  CHECK(status.at("replica_refused_stale") > 0);
  CHECK(status.at("replica_lag_ms") >= 2'000);  // whole milliseconds

  at_replica(servers, "START SLAVE SQL_THREAD");
  REQUIRE(eventually(fresh));
  CHECK(replicas.fresh_for("u1")->orders_of("u1", 10)->size() == 2);

  servers.kill(Server::kPrimary);
  CHECK(eventually(stale));
}

TEST_CASE("who just ordered sees it in his list, though the replica has not heard of it") {
  panshi::Shop shop(panshi::Shop::More{{"orders",
                                        "replicas: {shards: [[\"${replica}\"], [\"${primary-1}\"], "
                                        "[\"${primary-2}\"]], staleness: 10m}\n"}});
  REQUIRE(eventually([&] { return shop.status_of(panshi::Shop::kOrders, "replica_lag_ms") >= 0; }));
  CHECK(shop.get("/api/orders?user=u1").body.at("orders").empty());
  CHECK(shop.status_of(panshi::Shop::kOrders, "replica_reads") > 0);
  at_replica(shop.servers(), "STOP SLAVE SQL_THREAD");

  const Answer placed = shop.place("k1");
  REQUIRE(placed.status == 201);
  CHECK(shop.get("/api/orders?user=u1").body.at("orders").size() == 1);
  CHECK(shop.status_of(panshi::Shop::kOrders, "replica_refused_own_writes") == 1);

  // Once the mark is gone the same question goes to the replica again.
  auto redis = Redis::connect(shop.servers().redis());
  REQUIRE(redis->run({"DEL", "wrote:{u1}"}));
  CHECK(shop.get("/api/orders?user=u1").body.at("orders").empty());
  at_replica(shop.servers(), "START SLAVE SQL_THREAD");
  CHECK(eventually([&] { return shop.get("/api/orders?user=u1").body.at("orders").size() == 1; }));
}
