// SPDX-License-Identifier: Apache-2.0
// Promise: what the shop acknowledged is kept and delivered exactly once, whatever single part is
// away; what it refused has not happened.
#include "tests/integration/platform/shop.h"

#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "core/base/text.h"
#include "platform/storefront/model/order.h"
#include "platform/storefront/stores/queue.h"
#include "tests/support/shop_session.h"

using namespace panshi;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

std::string order_of(const Answer& placed) {
  INFO(placed.status << " " << placed.body.dump());
  REQUIRE(placed.status == 201);
  return placed.body.at("order");
}

}  // namespace

TEST_CASE("a purchase goes from the goods to the card key, and repeats change nothing") {
  Shop shop;
  CHECK(shop.get("/api/products").body.at("products").size() == 12);
  const Answer placed = shop.place("k1");
  const std::string order = order_of(placed);
  CHECK(order == shop::order_id_of("u1", "k1", "music-month"));
  CHECK(placed.body.at("durable") == "database");
  CHECK(shop.place("k1").body == placed.body);
  CHECK(shop.place("k1", "music-year").status == 422);
  CHECK(shop.place("k2", "no-such").status == 404);
  CHECK(shop.place("two words").status == 400);
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.orders") == "1");

  CHECK(shop.get(cat("/api/orders/", order, "?user=u2")).status == 404);
  CHECK(shop.look(order).at("state") == "placed");
  CHECK(shop.post(cat("/api/orders/", order, "/pay"), "p0", {{"user", "u1"}, {"amount_cents", 1}})
            .status == 409);
  CHECK(shop.charges() == 0);
  CHECK(shop.pay(order, "p1").status == 200);
  CHECK(shop.pay(order, "p1").status == 200);
  CHECK(shop.pay(order, "p2").status == 200);  // another key: the order is paid already
  const json delivered = shop.look_until(order, "delivered");
  REQUIRE(delivered.at("state") == "delivered");
  CHECK(delivered.at("card_key").get<std::string>() ==
        shop.sql(cat("SELECT card_key FROM shop.card_keys WHERE order_id = '", order, "'")));
  CHECK(shop.charges() == 1);
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.card_keys WHERE order_id IS NOT NULL") == "1");
}

TEST_CASE("a user's history has his own orders, newest first, and nobody else's") {
  Shop shop;
  const std::string first = order_of(shop.place("k1"));
  const std::string second = order_of(shop.place("k2", "game-100"));
  const json orders = shop.get("/api/orders?user=u1").body.at("orders");
  REQUIRE(orders.size() == 2);
  CHECK(orders[0].at("order") == second);
  CHECK(orders[0].at("product") == "game-100");
  CHECK(orders[0].at("amount_cents") == 1'000);
  CHECK(orders[1].at("order") == first);
  CHECK(orders[1].at("state") == "placed");
  CHECK(shop.look(first).at("product") == "music-month");
  CHECK(shop.get("/api/orders?user=u2").body.at("orders").empty());
  CHECK(shop.get("/api/orders").status == 401);
}

TEST_CASE("one trace goes from the payment through the queue to the card key") {
  Shop shop;
  const std::string order = order_of(shop.place("k1"));
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  HttpClient client;
  const HttpCall call{.method = "POST",
                      .url = cat("http://", shop.servers().address(), ":", Shop::kGateway,
                                 "/api/orders/", order, "/pay"),
                      .body = json{{"user", "u1"}, {"amount_cents", 1'500}}.dump(),
                      .headers = {{"Idempotency-Key", "p1"},
                                  {"Cookie", session_cookie("u1")},
                                  {"traceparent", cat("00-", trace, "-00f067aa0ba902b7-01")}}};
  auto paid = client.send(call);
  for (int i = 0; i < 50 && paid && paid->status >= 503; ++i) paid = client.send(call);
  REQUIRE(paid);
  REQUIRE(paid->status == 200);
  REQUIRE(shop.look_until(order, "delivered").at("state") == "delivered");
  const auto names = [&](int port) {
    std::set<std::string> found;
    const Answer answer = shop.get(cat("/spans?trace=", trace), port);
    for (const json& span : answer.body.at("spans")) found.insert(span.at("name"));
    return found;
  };
  CHECK(names(Shop::kGatewayOps).contains("POST /api/orders/{order}/pay"));
  CHECK(names(Shop::kPayments).contains("psp: POST /charges"));
  CHECK(names(Shop::kPsp) == std::set<std::string>{"POST /charges"});
  CHECK(names(Shop::kDelivery).contains("cardkeys: POST /deliver"));
  CHECK(names(Shop::kCardkeys) == std::set<std::string>{"POST /deliver"});
  CHECK(names(Shop::kOrders).empty());
}

TEST_CASE("every role tells Prometheus what it does") {
  Shop shop;
  const std::string order = order_of(shop.place("k1"));
  REQUIRE(shop.pay(order, "p1").status == 200);
  REQUIRE(shop.look_until(order, "delivered").at("state") == "delivered");
  HttpClient client;
  const auto metrics = [&](int port) {
    const auto reply =
        client.send({.url = cat("http://", shop.servers().address(), ":", port, "/metrics")});
    return reply ? reply->body : std::string();
  };
  CHECK(metrics(Shop::kOrders)
            .find("shop_http_requests_total{role=\"orders\",method=\"POST\",route=\"/api/orders\","
                  "status=\"201\"} 1\n") != std::string::npos);
  CHECK(metrics(Shop::kDelivery).find("shop_delivered{role=\"delivery\"} 1\n") !=
        std::string::npos);
  for (const int port : {Shop::kGatewayOps, Shop::kPayments, Shop::kCardkeys, Shop::kPsp,
                         Shop::kInventory, Shop::kOrdersWorker}) {
    CHECK(metrics(port).find("# TYPE shop_slow_traces gauge\n") != std::string::npos);
  }
}

TEST_CASE("what the shop knows of itself is not told to its customers") {
  Shop shop;
  for (const char* path : {"/status", "/metrics", "/spans", "/spans?trace=0"}) {
    INFO(path);
    CHECK(shop.get(path).status == 404);
    CHECK(shop.get(path, Shop::kGatewayOps).status == 200);
  }
  CHECK(shop.get("/healthz").status == 200);  // links ask it
  CHECK(shop.get("/api/products", Shop::kGatewayOps).status == 404);
}

TEST_CASE("the same payment event twice delivers one key") {
  Shop shop;
  const std::string order = order_of(shop.place("k1"));
  REQUIRE(shop.pay(order, "p1").status == 200);
  const json first = shop.look_until(order, "delivered");
  auto nats = Nats::connect(shop.servers().nats());
  REQUIRE(nats);
  std::string event;
  REQUIRE((*nats)->read_all(shop::kStream, shop::subjects_of(shop::kPaymentSucceeded),
                            [&](const NatsMessage& message) { event = message.body; }));
  REQUIRE((*nats)->publish(shop::subject_for_all(shop::kPaymentSucceeded), event, "another-id"));
  for (int i = 0; i < 1'000 && shop.status_of(Shop::kDelivery, "delivered") < 2; ++i) {
    std::this_thread::sleep_for(10ms);
  }
  CHECK(shop.comes_to(Shop::kDelivery, "delivered", 2));
  CHECK(shop.look(order).at("card_key") == first.at("card_key"));
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.card_keys WHERE order_id IS NOT NULL") == "1");
}

TEST_CASE("with the database cut, orders and payments go on and are delivered when it is back") {
  Shop shop;
  const std::string before = order_of(shop.place("before"));
  shop.cut_database();
  const Answer placed = shop.place("during");
  const std::string order = order_of(placed);
  CHECK(placed.body.at("durable") == "queue");
  CHECK(shop.place("during").body == placed.body);
  CHECK(shop.pay(order, "p1").status == 200);
  CHECK(shop.pay(before, "p2").status == 200);
  CHECK(shop.look(order).at("state") == "paid");
  CHECK(shop.look(order).at("message").get<std::string>().find("卡密生成中") != std::string::npos);
  CHECK(shop.get("/healthz", Shop::kOrders).status == 200);
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.orders") == "1");
  // The card-key service is not to blame: nobody waits for it.
  CHECK(shop.status_of(Shop::kDelivery, "waiting_for_key") == 0);

  shop.mend_database();
  CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  CHECK(shop.look_until(before, "delivered").at("state") == "delivered");
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.orders WHERE state = 'delivered'") == "2");
  CHECK(shop.charges() == 2);
}

TEST_CASE("an order that was not paid in time is refused before charging, and its stock is free") {
  Shop shop(Shop::More{{"orders", "hold_time: 100ms\n"}});
  const std::string order = order_of(shop.place("k1"));
  CHECK(shop.look_until(order, "expired").at("state") == "expired");
  const Answer paid = shop.pay(order, "p1");
  CHECK(paid.status == 409);
  CHECK(paid.body.at("code") == "expired");
  CHECK(shop.charges() == 0);
  CHECK(shop.place("k1").status == 409);
  const std::string state = cat("SELECT state FROM shop.orders WHERE order_id = '", order, "'");
  for (int i = 0; i < 1'000 && shop.sql(state) != "expired"; ++i) std::this_thread::sleep_for(10ms);
  CHECK(shop.sql(state) == "expired");
  auto redis = Redis::connect(shop.servers().redis());
  CHECK(redis->run({"HGET", "stock:{music-month}", "free"})->text == "20");
}

TEST_CASE("a charge whose event was never stored is found in the provider's ledger and delivered") {
  Shop shop;
  const std::string order = order_of(shop.place("k1"));
  const shop::Order whole = {.order = order,
                             .user = "u1",
                             .product = "music-month",
                             .quantity = 1,
                             .amount_cents = 1'500,
                             .idempotency_key = "k1",
                             .body_hash = shop::body_hash_of("u1", "music-month", 1),
                             .placed_at_us = 1,
                             .paid_at_us = 0,
                             .charge = {}};
  // As if `payments` had died between the charge and the queue.
  const json charge = {{"key", "p1"},
                       {"order", order},
                       {"user", "u1"},
                       {"amount_cents", 1'500},
                       {"details", to_json(whole)}};
  REQUIRE(shop.post("/charges", "", charge, Shop::kPsp).status == 200);
  CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  CHECK(shop.pay(order, "p1").status == 200);
  CHECK(shop.charges() == 1);
}

TEST_CASE("the provider lists charges up to the first that is younger than asked for") {
  Shop shop;
  for (const char* key : {"p1", "p2"}) {
    const json charge = {{"key", key},
                         {"order", cat("o-", key)},
                         {"user", "u1"},
                         {"amount_cents", 1},
                         {"details", json::object()}};
    REQUIRE(shop.post("/charges", "", charge, Shop::kPsp).status == 200);
  }
  const auto keys = [&](const std::string& query) {
    std::vector<std::string> found;
    const Answer listed = shop.get(cat("/charges?after=0", query), Shop::kPsp);
    for (const json& each : listed.body.at("charges")) found.push_back(each.at("key"));
    return found;
  };
  CHECK(keys("") == std::vector<std::string>{"p1", "p2"});
  const std::int64_t first_us =
      shop.get("/charges?after=0&limit=1", Shop::kPsp).body.at("charges").at(0).at("created_us");
  CHECK(keys(cat("&until_us=", first_us)) == std::vector<std::string>{"p1"});
  CHECK(keys(cat("&until_us=", first_us - 1)).empty());
}

TEST_CASE("a declined card is said so, and the order can be paid with another one") {
  Shop shop(Shop::More{{"psp", "decline_percent: 50\n"}});
  const std::string order = order_of(shop.place("k1"));
  int declined = 0;
  int status = 0;
  for (int i = 0; i < 40 && status != 200; ++i) {
    status = shop.pay(order, cat("card-", i)).status;
    if (status == 402) ++declined;
    CHECK((status == 402 || status == 200));
  }
  CHECK(status == 200);
  INFO("declined " << declined);
  CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  CHECK(shop.charges() == 1);
}

TEST_CASE("a payment in doubt is settled by repeating it with the same key") {
  Shop shop;
  const std::string order = order_of(shop.place("k1"));
  shop.kill("psp");
  CHECK(shop.pay_once(order, "p1").status == 503);  // nobody there: surely not charged
  CHECK(shop.look(order).at("state") == "placed");
  shop.start("psp");
  shop.wait_until_healthy(Shop::kPsp);
  Answer paid;
  for (int i = 0; i < 500 && paid.status != 200; ++i) {
    paid = shop.pay(order, "p1");
    std::this_thread::sleep_for(10ms);
  }
  CHECK(paid.status == 200);
  CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  CHECK(shop.charges() == 1);
}

TEST_CASE("killing delivery and card keys in the middle of a rush delivers each order once") {
  Shop shop;
  std::vector<std::string> orders;
  for (int i = 0; i < 15; ++i) {
    orders.push_back(order_of(shop.place(cat("k", i))));
    REQUIRE(shop.pay(orders.back(), cat("p", i)).status == 200);
    if (i == 4) shop.kill("cardkeys");
    if (i == 6) shop.start("cardkeys");
    if (i == 9) shop.kill("delivery");
    if (i == 10) shop.start("delivery");
  }
  // Messages that the dead process had in hand come back after the queue's ack wait.
  for (const std::string& order : orders) shop.look_until(order, "delivered");
  for (int tries = 0; tries < 3; ++tries) {
    for (const std::string& order : orders) shop.look_until(order, "delivered");
  }
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.orders WHERE state = 'delivered'") == "15");
  CHECK(shop.sql("SELECT COUNT(DISTINCT order_id) FROM shop.card_keys") == "15");
  CHECK(shop.charges() == 15);
}

TEST_CASE("acknowledging before the write loses orders when the process is killed") {
  Shop shop(Shop::More{{"payments", "durability: after_ack\nafter_ack_delay: 30s\n"}});
  const std::string order = order_of(shop.place("k1"));
  REQUIRE(shop.pay(order, "p1").status == 200);  // a ghost: nothing was charged
  shop.kill("payments");
  shop.start("payments");
  shop.wait_until_healthy(Shop::kPayments);
  CHECK(shop.charges() == 0);
  CHECK(shop.look(order).at("state") == "placed");
}
