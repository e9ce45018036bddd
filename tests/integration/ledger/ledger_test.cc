// SPDX-License-Identifier: Apache-2.0
// Promise: the audit of a real shop under real load is valid whatever single service dies, and it
// is never valid when the shop acknowledged too early, or when a witness was not heard.
#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "core/base/text.h"
#include "tests/integration/ledger/load.h"
#include "tests/support/eventually.h"
#include "tests/support/redis_servers.h"

using namespace panshi;
using namespace std::chrono_literals;
using nlohmann::json;

// A third of the customers come with a coupon, which also goes away once. The gateway would leave
// coupons out when it is busy, and how busy it is depends on the machine: here it never does.
TEST_CASE("services that die under load leave a valid ledger") {
  Shop shop(Shop::More{{"gateway", "threads: 32\ndegradation: {raise_after: 10m}\n"}});
  Load load(shop, "coupon: WELCOME\ncoupon_percent: 30\n");
  std::int64_t wanted = 30;
  for (const char* role :
       {"orders", "payments", "delivery", "cardkeys", "psp", "gateway", "extras"}) {
    load.wait_for("arrived", wanted);
    shop.kill(role);
    std::this_thread::sleep_for(200ms);
    shop.start(role);
    wanted = load.status("arrived") + 30;
  }
  load.wait_for("arrived", wanted);
  int exit_status = -1;
  const json audit = load.audit(exit_status);
  INFO(audit.dump(2));
  CHECK(audit.at("verdict") == "valid");
  CHECK(exit_status == 0);
  CHECK(audit.at("ok") > 100);
  CHECK(audit.at("acknowledged") == load.acknowledged(audit).size());
  CHECK(audit.at("ok") == audit.at("acknowledged"));
  CHECK(audit.at("conservation").at("ok") == true);
  CHECK(load.status("paused") == 0);
  CHECK(shop.status_of(Shop::kOrders, "coupons_granted") > 10);
}

TEST_CASE("a Redis that loses everything under load is counted again, and the ledger is valid") {
  Shop shop;
  Load load(shop);
  load.wait_for("acknowledged", 60);
  auto redis = Redis::connect(shop.servers().redis());
  REQUIRE(redis);
  REQUIRE(redis->run({"FLUSHALL"}));
  load.wait_for("acknowledged", load.status("acknowledged") + 60);
  CHECK(shop.status_of(Shop::kOrders, "recounted") >= 1);
  int exit_status = -1;
  const json audit = load.audit(exit_status);
  INFO(audit.dump(2));
  CHECK(audit.at("verdict") == "valid");
  CHECK(audit.at("conservation").at("ok") == true);
  CHECK(audit.at("ok") > 100);
}

TEST_CASE("a Redis master that dies under load leaves a valid ledger, and the shop goes on") {
  RedisServers redis;
  std::vector<std::string> nodes;
  for (const auto& member : redis.members()) nodes.push_back(cat("\"", member.address, "\""));
  Shop shop({}, cat("{nodes: [", join(nodes, ", "), "]}"));
  Load load(shop);
  load.wait_for("acknowledged", 60);
  RedisCluster client(redis.options());
  REQUIRE(client.refresh());
  const auto shard = *client.topology()->shard_of(redis_slot("stock:{music-month}"));
  redis.kill(redis.index_of(shard.master));
  CHECK(eventually([&] { return shop.status_of(Shop::kOrders, "recounted") >= 1; }));
  load.wait_for("acknowledged", load.status("acknowledged") + 60);
  int exit_status = -1;
  const json audit = load.audit(exit_status);
  INFO(audit.dump(2));
  CHECK(audit.at("verdict") == "valid");
  CHECK(audit.at("conservation").at("ok") == true);
}

TEST_CASE("customers who are killed lose no attempt of their own") {
  Shop shop;
  Load load(shop);
  load.wait_for("arrived", 60);
  load.kill();
  load.start();
  load.wait_for("acknowledged", 40);
  int exit_status = -1;
  const json audit = load.audit(exit_status);
  INFO(audit.dump(2));
  CHECK(audit.at("unexpected") == 0);
  CHECK(audit.at("attempted") >= 100);
  CHECK(audit.at("verdict") == "valid");
}

TEST_CASE("payments that are acknowledged before they are taken are lost, by id") {
  Shop shop(Shop::More{{"payments", "durability: after_ack\n"}});
  Load load(shop, "", "settle: 8s\n");
  load.wait_for("acknowledged", 60);
  shop.kill("payments");
  shop.start("payments");
  shop.wait_until_healthy(Shop::kPayments);
  int exit_status = -1;
  const json audit = load.audit(exit_status);
  INFO(audit.dump(2));
  CHECK(audit.at("verdict") == "invalid");
  CHECK(exit_status == 1);
  REQUIRE(audit.at("lost") > 0);
  const auto acknowledged = load.acknowledged(audit);
  for (const json& id : audit.at("ids").at("lost")) {
    CHECK(acknowledged.contains(id.get<std::string>()));
    CHECK(shop.sql(cat("SELECT state FROM shop.orders WHERE order_id = '", id.get<std::string>(),
                       "'")) != "delivered");
  }
}

TEST_CASE("orders that are acknowledged before they are written are lost, by id") {
  Shop shop(Shop::More{{"orders", "durability: after_ack\n"}});
  Load load(shop, "leave_percent: 50\n", "settle: 8s\n");
  load.wait_for("acknowledged", 30);
  shop.kill("orders");
  shop.start("orders");
  shop.wait_until_healthy(Shop::kOrders);
  int exit_status = -1;
  const json audit = load.audit(exit_status);
  INFO(audit.dump(2));
  CHECK(audit.at("verdict") == "invalid");
  REQUIRE(audit.at("lost") > 0);
  for (const json& id : audit.at("ids").at("lost")) {
    CHECK(shop.sql(cat("SELECT COUNT(*) FROM shop.orders WHERE order_id = '", id.get<std::string>(),
                       "'")) == "0");
  }
}

TEST_CASE("a witness that cannot be heard makes the verdict unknown") {
  Shop shop;
  Load load(shop, "", "settle: 1s\n");
  load.wait_for("acknowledged", 20);
  shop.servers().kill(ShopServers::Server::kRedis);
  int exit_status = -1;
  const json audit = load.audit(exit_status);
  INFO(audit.dump(2));
  CHECK(audit.at("verdict") == "unknown");
  CHECK(exit_status == 2);
  CHECK(audit.at("conservation").at("ok").is_null());
  CHECK(audit.at("why").dump().find("redis") != std::string::npos);
  CHECK(load.status("paused") == 0);
}

TEST_CASE("an audit that is told to stop lets the customers go on") {
  Shop shop;
  Load load(shop, "", "settle: 60s\n");
  load.wait_for("acknowledged", 20);
  shop.kill("psp");
  const auto audit = load.begin_audit();
  load.wait_for("paused", 1);
  audit->signal(SIGTERM);
  CHECK(audit->wait() == 2);
  INFO(load.document().dump(2));
  CHECK(load.document().at("verdict") == "unknown");
  CHECK(load.status("paused") == 0);
}
