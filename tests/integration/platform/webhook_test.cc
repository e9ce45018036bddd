// SPDX-License-Identifier: Apache-2.0
// Promise: what the payment provider tells the shop by itself makes a charged order paid, once,
// however late, often and in whatever order it comes; and nobody else can.
#include "platform/storefront/services/webhook.h"

#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "platform/storefront/stores/queue.h"
#include "tests/integration/platform/shop.h"
#include "tests/support/eventually.h"

using namespace panshi;
using nlohmann::json;

namespace {

const std::string kWebhooks = cat("webhooks: {to: \"${address}:", Shop::kPayments,
                                  "\", secret: {secret: \"${folder}/bank.secret\"}, retry: 20ms");
// The sweep of the provider's ledger would find a charge too, but not a young one.
const std::string kNoSweep = "sweep_age: 10m\n";

std::int64_t now_us() { return to_us(SystemClock().wall()); }

std::string placed(Shop& shop, const std::string& key) {
  const Answer answer = shop.place(key);
  REQUIRE(answer.status == 201);
  return answer.body.at("order");
}

json charge_of(const std::string& order, const std::string& key) {
  const shop::Order whole = {.order = order,
                             .user = "u1",
                             .product = "music-month",
                             .quantity = 1,
                             .amount_cents = 1'500,
                             .idempotency_key = key,
                             .body_hash = shop::body_hash_of("u1", "music-month", 1),
                             .placed_at_us = 1,
                             .paid_at_us = 0,
                             .charge = {}};
  return {{"key", "p-" + key},
          {"order", order},
          {"user", "u1"},
          {"amount_cents", 1'500},
          {"details", to_json(whole)}};
}
// Of an order that nobody placed.
json charge_for(const std::string& key) {
  return charge_of(shop::order_id_of("u1", key, "music-month"), key);
}
json costing(json charge, std::int64_t cents) {
  charge["amount_cents"] = charge["details"]["amount_cents"] = cents;
  return charge;
}
json with_coupon(json charge, std::int64_t discount) {
  charge = costing(std::move(charge), 1'500 - discount);
  charge["details"]["coupon"] = "WELCOME";
  charge["details"]["discount_cents"] = discount;
  charge["details"]["body_hash"] = shop::body_hash_of("u1", "music-month", 1, "WELCOME");
  return charge;
}
std::string placed_with_coupon(Shop& shop, const std::string& key) {
  Answer answer;
  const json wish = {{"user", "u1"}, {"product", "music-month"}, {"coupon", "WELCOME"}};
  CHECK(eventually([&] {
    answer = shop.post("/api/orders", key, wish);
    return answer.status == 201;
  }));
  REQUIRE(answer.status == 201);
  REQUIRE(answer.body.at("amount_cents") == 1'350);
  return answer.body.at("order");
}
// As after a day, or after Redis lost it.
void forget_hold(Shop& shop, const std::string& order) {
  auto redis = Redis::connect(shop.servers().redis());
  REQUIRE(redis);
  REQUIRE(redis->run({"DEL", cat("hold:{music-month}:", order)}));
}
std::string stock_held(Shop& shop) {
  auto redis = Redis::connect(shop.servers().redis());
  REQUIRE(redis);
  return redis->run({"HGET", "stock:{music-month}", "held"})->text;
}

std::string news_of(const std::string& order, const std::string& key, const char* type) {
  json body = charge_of(order, key);
  body["event"] = "ev-" + key;
  body["type"] = type;
  body["charge"] = "ch-1";
  body["created_us"] = now_us();
  return dump_json(body);
}

// What somebody sends to the shop who says that he is the provider.
Answer tell(Shop& shop, const std::string& body, std::int64_t sent_us,
            const std::string& signature) {
  HttpClient client;
  const auto reply = client.send(
      {.method = "POST",
       .url = cat("http://", shop.servers().address(), ":", Shop::kPayments, shop::kWebhookPath),
       .body = body,
       .headers = {{shop::kWebhookTime, std::to_string(sent_us)},
                   {shop::kWebhookSignature, signature}}});
  REQUIRE(reply);
  const auto json = parse_json(reply->body);
  return {reply->status, json ? *json : nlohmann::json()};
}
Answer tell_signed(Shop& shop, const std::string& body, std::int64_t sent_us) {
  return tell(shop, body, sent_us, shop::sign_webhook(Shop::kWebhookSecret, sent_us, body));
}

int payments_in_queue(Shop& shop) {
  auto nats = Nats::connect(shop.servers().nats());
  REQUIRE(nats);
  int count = 0;
  REQUIRE((*nats)->read_all(shop::kStream, shop::subjects_of(shop::kPaymentSucceeded),
                            [&](const NatsMessage&) { ++count; }));
  return count;
}

}  // namespace

TEST_CASE("an order whose answer to the payment was lost becomes paid by the provider's webhook") {
  Shop shop(Shop::More{{"payments", "charge_timeout: 300ms\n" + kNoSweep},
                       {"psp", "hang_percent: 100\nhang: 3s\n" + kWebhooks + "}\n"}});
  const std::string order = placed(shop, "k1");
  const Answer paid = shop.pay_once(order, "p1");
  CHECK(paid.status == 504);
  CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  CHECK(shop.comes_to(Shop::kPayments, "paid_by_webhook", 1));
  CHECK(shop.status_of(Shop::kPayments, "published_by_sweep") == 0);
  CHECK(shop.pay(order, "p1").status == 200);
  CHECK(shop.charges() == 1);
}

TEST_CASE("a sweep of the whole ledger tells what nobody told, and nothing a second time") {
  constexpr std::size_t kPaid = 3;
  Shop shop;
  std::vector<std::string> orders;
  for (std::size_t i = 0; i < 2 * kPaid; ++i) orders.push_back(placed(shop, cat("k", i)));
  for (std::size_t i = 0; i < kPaid; ++i) {
    REQUIRE(shop.pay(orders[i], cat("p", i)).status == 200);
    REQUIRE(shop.look_until(orders[i], "delivered").at("state") == "delivered");
  }
  // Another instance: it remembers no order, nobody has swept yet, and some charges are unknown.
  shop.kill("payments");
  for (std::size_t i = kPaid; i < 2 * kPaid; ++i) {
    REQUIRE(shop.post("/charges", "", charge_of(orders[i], cat("k", i)), Shop::kPsp).status == 200);
  }
  auto redis = Redis::connect(shop.servers().redis());
  REQUIRE(redis->run({"DEL", "psp:swept"}));
  shop.start("payments");
  shop.wait_until_healthy(Shop::kPayments);
  for (const std::string& order : orders) {
    CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  }
  CHECK(eventually([&] {
    return redis->run({"HGET", "psp:swept", "after"})->text == cat(2 * kPaid);
  }));
  CHECK(shop.comes_to(Shop::kPayments, "published_by_sweep", kPaid));
}

TEST_CASE("a charge that is not what the order costs delivers nothing, by sweep nor by webhook") {
  Shop shop(Shop::More{{"psp", kWebhooks + "}\n"}});
  const auto with = [](json charge, const char* key, const json& value, bool in_details) {
    charge[key] = value;
    if (in_details) charge["details"][key] = value;
    return charge;
  };
  const std::string cheap = placed(shop, "k1");
  const std::string free = placed(shop, "k2");
  const std::string other = placed(shop, "k3");
  const std::string good = placed(shop, "k4");
  // The provider's ledger is not ours: whoever can charge there says what the charge is for.
  for (const json& charge :
       {with(charge_of(cheap, "k1"), "amount_cents", 0, false),
        with(charge_of(free, "k2"), "amount_cents", 0, true),
        with(charge_of(other, "k3"), "user", "u2", true), charge_of(good, "k4")}) {
    REQUIRE(shop.post("/charges", "", charge, Shop::kPsp).status == 200);
  }
  CHECK(shop.look_until(good, "delivered").at("state") == "delivered");
  CHECK(eventually([&] { return shop.status_of(Shop::kPayments, "charged_otherwise") >= 2; }));
  for (const std::string& order : {cheap, free, other}) {
    INFO(order);
    CHECK(shop.look_until(order, "placed").at("state") == "placed");
  }
  json news = parse_json(news_of(free, "k2", shop::kChargeSucceeded)).value();
  news["amount_cents"] = news["details"]["amount_cents"] = 1;
  CHECK(tell_signed(shop, dump_json(news), now_us()).status == 409);
  CHECK(shop.look_until(free, "placed").at("state") == "placed");
}

TEST_CASE(
    "a charge for no order we know of delivers only what its goods cost, whoever tells of it") {
  const auto by_webhook = GENERATE(false, true);
  INFO(by_webhook);
  Shop::More more = {{"delivery", "order_within: 300ms\n"}};
  if (by_webhook) more.insert({{"psp", kWebhooks + "}\n"}, {"payments", kNoSweep}});
  Shop shop(more);
  // A coupon that only the charge speaks of is none: nobody has it.
  const std::vector<json> bad = {costing(charge_for("k1"), 0), costing(charge_for("k2"), 1),
                                 costing(charge_for("k3"), 1'600),
                                 with_coupon(charge_for("k4"), 150)};
  for (const json& charge : bad) {
    REQUIRE(shop.post("/charges", "", charge, Shop::kPsp).status == 200);
  }
  const json good = charge_for("k5");
  REQUIRE(shop.post("/charges", "", good, Shop::kPsp).status == 200);
  CHECK(shop.look_until(good["order"], "delivered").at("state") == "delivered");
  CHECK(eventually([&] { return shop.status_of(Shop::kDelivery, "delivery_dead") == 4; }));
  CHECK(shop.comes_to(Shop::kDelivery, "charged_otherwise", 4));
  CHECK(shop.status_of(Shop::kDelivery, "waiting_for_row") == 0);
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.card_keys WHERE order_id IS NOT NULL") == "1");
  CHECK(shop.sql("SELECT GROUP_CONCAT(order_id) FROM shop.orders") == good["order"]);
  CHECK(stock_held(shop) == "0");
}

TEST_CASE("an order whose hold is over is delivered for what its row says it costs, and no less") {
  Shop shop(Shop::More{{"orders", "hold_time: 200ms\n"}, {"delivery", "order_within: 300ms\n"}});
  const std::string cheap = placed(shop, "k1");
  const std::string full = placed(shop, "k2");
  const std::string less = placed_with_coupon(shop, "k3");
  for (const std::string& order : {cheap, full, less}) {
    CHECK(shop.look_until(order, "expired").at("state") == "expired");
    const auto in_row = [&] {
      return shop.sql(cat("SELECT state FROM shop.orders WHERE order_id = '", order, "'"));
    };
    CHECK(eventually([&] { return in_row() == "expired"; }));
    forget_hold(shop, order);
  }
  for (const json& charge : {costing(charge_of(cheap, "k1"), 0), charge_of(full, "k2"),
                             with_coupon(charge_of(less, "k3"), 150)}) {
    REQUIRE(shop.post("/charges", "", charge, Shop::kPsp).status == 200);
  }
  for (const std::string& order : {full, less}) {
    CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  }
  CHECK(eventually([&] { return shop.status_of(Shop::kDelivery, "charged_otherwise") == 1; }));
  CHECK(shop.look(cheap).at("state") == "expired");
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.card_keys WHERE order_id IS NOT NULL") == "2");
}

TEST_CASE("a paid order with a coupon waits for its row while that is on its way in the queue") {
  Shop shop(Shop::More{{"delivery", "order_within: 100ms\n"}});
  shop.kill("orders-worker");
  shop.cut_database();
  const std::string order = placed_with_coupon(shop, "k1");
  shop.mend_database();
  forget_hold(shop, order);
  REQUIRE(shop.post("/charges", "", with_coupon(charge_of(order, "k1"), 150), Shop::kPsp).status ==
          200);
  CHECK(eventually([&] { return shop.status_of(Shop::kDelivery, "waiting_for_row") == 1; }));
  std::this_thread::sleep_for(std::chrono::seconds(1));  // longer than an order may be late
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.orders") == "0");
  shop.start("orders-worker");
  CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  CHECK(shop.status_of(Shop::kDelivery, "charged_otherwise") == 0);
  CHECK(shop.sql("SELECT CONCAT_WS(' ', amount_cents, coupon) FROM shop.orders") == "1350 WELCOME");
}

TEST_CASE("webhooks that come late, twice and out of order deliver each order once") {
  constexpr int kOrders = 8;
  Shop shop(Shop::More{
      {"payments", kNoSweep},
      {"psp", kWebhooks + ", delay: 200ms, jitter: 600ms, duplicate_percent: 100, seed: 7}\n"}});
  std::vector<std::string> orders;
  for (int i = 0; i < kOrders; ++i) {
    orders.push_back(placed(shop, cat("k", i)));
    if (i % 2 == 0) {
      REQUIRE(shop.pay(orders.back(), cat("p", i)).status == 200);
    } else {  // charged, and `payments` knows nothing of it
      REQUIRE(shop.post("/charges", "", charge_of(orders.back(), cat("k", i)), Shop::kPsp).status ==
              200);
    }
  }
  for (const std::string& order : orders) {
    CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  }
  CHECK(eventually([&] {
    return shop.status_of(Shop::kPsp, "webhooks_sent") == 2 * kOrders &&
           shop.status_of(Shop::kPsp, "webhooks_waiting") == 0;
  }));
  CHECK(shop.comes_to(Shop::kPayments, "paid_by_webhook", kOrders / 2));
  CHECK(shop.comes_to(Shop::kPayments, "webhooks_repeated", kOrders * 3 / 2));
  CHECK(payments_in_queue(shop) == kOrders);
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.card_keys WHERE order_id IS NOT NULL") == cat(kOrders));
  CHECK(shop.charges() == kOrders);
}

TEST_CASE("a forged, altered, old, replayed or senseless webhook is refused and changes nothing") {
  Shop shop;
  const std::string order = placed(shop, "k1");
  const std::string body = news_of(order, "k1", shop::kChargeSucceeded);
  const std::int64_t now = now_us();
  const std::string signature = shop::sign_webhook(Shop::kWebhookSecret, now, body);
  CHECK(tell(shop, body, now, "").status == 401);
  CHECK(tell(shop, body, now, shop::sign_webhook("somebody else's secret", now, body)).status ==
        401);
  CHECK(tell(shop, body, now + 1, signature).status == 401);
  CHECK(tell(shop, body + " ", now, signature).status == 401);
  CHECK(tell_signed(shop, body, now - 600'000'000).status == 401);
  CHECK(tell_signed(shop, "{}", now).status == 400);
  json other = json::parse(body);
  other["order"] = "o-0000000000000000-music-month";
  CHECK(tell_signed(shop, dump_json(other), now).status == 400);
  CHECK(shop.look(order).at("state") == "placed");
  CHECK(payments_in_queue(shop) == 0);
  CHECK(shop.comes_to(Shop::kPayments, "webhooks_refused", 7));

  CHECK(tell(shop, body, now, signature).status == 200);
  CHECK(tell(shop, body, now, signature).status == 409);
  CHECK(payments_in_queue(shop) == 1);
}

TEST_CASE("news of a declined card that come late leave the order paid") {
  Shop shop;
  const std::string order = placed(shop, "k1");
  REQUIRE(shop.pay(order, "p1").status == 200);
  CHECK(tell_signed(shop, news_of(order, "k1", shop::kChargeDeclined), now_us()).status == 200);
  const json delivered = shop.look_until(order, "delivered");
  CHECK(delivered.at("state") == "delivered");
  CHECK(tell_signed(shop, news_of(order, "k1", shop::kChargeDeclined), now_us()).status == 200);
  CHECK(shop.look(order).at("card_key") == delivered.at("card_key"));
}

TEST_CASE("a webhook waits in the provider's ledger while the shop and the provider are down") {
  Shop shop(Shop::More{{"payments", kNoSweep}, {"psp", kWebhooks + "}\n"}});
  const std::string order = placed(shop, "k1");
  shop.kill("payments");
  REQUIRE(shop.post("/charges", "", charge_of(order, "k1"), Shop::kPsp).status == 200);
  CHECK(eventually([&] { return shop.status_of(Shop::kPsp, "webhooks_refused") > 0; }));
  shop.kill("psp");
  shop.start("psp");
  shop.start("payments");
  CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
  CHECK(shop.comes_to(Shop::kPayments, "paid_by_webhook", 1));
}

TEST_CASE("a payment's key is its user's own, and good for one order at one price") {
  Shop shop;
  const std::string first = placed(shop, "k1");
  const std::string second = placed(shop, "k2");
  REQUIRE(shop.pay(first, "p1").status == 200);
  const Answer reused = shop.pay(second, "p1");
  CHECK(reused.status == 409);
  CHECK(reused.body.at("code") == "other_charge");
  const Answer cheaper =
      shop.post(cat("/api/orders/", second, "/pay"), "p2", {{"user", "u1"}, {"amount_cents", 1}});
  CHECK(cheaper.status == 409);
  CHECK(cheaper.body.at("code") == "wrong_amount");
  CHECK(shop.charges() == 1);

  const json wish = {{"user", "u2"}, {"product", "music-month"}};
  Answer theirs = shop.post("/api/orders", "k1", wish);
  for (int i = 0; i < 100 && theirs.status >= 503; ++i)
    theirs = shop.post("/api/orders", "k1", wish);
  REQUIRE(theirs.status == 201);
  const std::string order = theirs.body.at("order");
  CHECK(order != first);
  CHECK(
      shop.post(cat("/api/orders/", order, "/pay"), "p1", {{"user", "u2"}, {"amount_cents", 1'500}})
          .status == 200);
  CHECK(shop.charges() == 2);
}
