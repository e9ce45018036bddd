// SPDX-License-Identifier: Apache-2.0
// Promise: a Redis node that takes no writes costs only the orders whose stock it keeps. That an
// idempotency key is for one order alone is then kept by the database.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/integration/platform/shop.h"
#include "tests/support/redis_servers.h"

using namespace panshi;
using nlohmann::json;

namespace {

struct Full {
  RedisServers redis;
  std::vector<std::string> nodes;
  std::string full;  // the address of the node that keeps the user's keys
  Shop shop{{}, listed()};

  std::string listed() {
    for (const auto& member : redis.members()) nodes.push_back(cat("\"", member.address, "\""));
    return cat("{nodes: [", join(nodes, ", "), "]}");
  }
  void fill(const std::string& bytes) const {
    REQUIRE(redis.tell(redis.index_of(full), {"CONFIG", "SET", "maxmemory", bytes}));
  }
  Answer place(const std::string& user, const std::string& key, const std::string& product) {
    return shop.post("/api/orders", key, {{"user", user}, {"product", product}});
  }
};

// A user whose keys are on no node that keeps the stock of these products.
std::string choose_user(Full& all, const std::vector<std::string>& products) {
  RedisCluster client(all.redis.options());
  REQUIRE(client.refresh());
  const auto node_of = [&](const std::string& key) {
    return client.topology()->shard_of(redis_slot(key))->master;
  };
  for (int i = 1;; ++i) {
    const std::string user = cat("u", i);
    all.full = node_of(cat("idem:{", user, "}:"));
    bool apart = true;
    for (const auto& product : products) {
      apart = apart && node_of(cat("stock:{", product, "}")) != all.full;
    }
    if (apart) return user;
  }
}

}  // namespace

TEST_CASE("who cannot note a key asks the database, and an order is never in the queue alone") {
  Full all;
  Shop& shop = all.shop;
  const std::string user = choose_user(all, {"music-month", "music-year"});
  const Answer before = all.place(user, "before", "music-month");
  REQUIRE(before.status == 201);
  all.fill("1");
  const Answer placed = all.place(user, "during", "music-month");
  INFO(placed.body);
  REQUIRE(placed.status == 201);
  CHECK(placed.body.at("durable") == "database");
  CHECK(all.place(user, "during", "music-month").body.at("order") == placed.body.at("order"));
  CHECK(all.place(user, "during", "music-year").status == 422);  // as the database says
  CHECK(all.place(user, "before", "music-year").status == 422);  // as Redis still knows
  shop.cut_database();
  CHECK(all.place(user, "cut-off", "music-month").status == 503);
  CHECK(shop.status_of(Shop::kOrders, "placed_in_queue") == 0);
  all.fill("0");
  CHECK(all.place(user, "guarded", "music-month").body.at("durable") == "queue");
  shop.mend_database();
}
