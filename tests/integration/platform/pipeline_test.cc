// SPDX-License-Identifier: Apache-2.0
// Promise: every event reaches every consumer, its effect is there once, and what nobody can handle
// waits as a dead letter until it is put before the consumer again.
#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "platform/storefront/base/trace.h"
#include "platform/storefront/stores/gathered_events.h"
#include "platform/storefront/stores/queue.h"
#include "tests/integration/platform/shop.h"

using namespace panshi;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

// Looks until `seen` says so, or 30 seconds are over.
template <class Seen>
bool comes_true(Seen seen) {
  for (const auto until = std::chrono::steady_clock::now() + 30s;
       std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(20ms)) {
    if (seen()) return true;
  }
  return false;
}

json rows(Shop& shop, int port) {  // none while it starts
  const Answer answer = shop.get("/rows", port);
  return answer.status == 200 ? answer.body.at("rows") : json::array();
}

std::size_t count_mails(Shop& shop, std::set<std::string>& ids) {
  std::ifstream in(shop.servers().folder() / "mails.jsonl");
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    ids.insert(parse_json(line).value().at("id"));
  }
  return lines;
}

}  // namespace

TEST_CASE("whatever consumer dies in a rush, each writes down each event once") {
  Shop shop;
  shop.start("notifier");
  shop.start("auditlog");
  constexpr int kOrders = 20;  // as many as there are keys of one product
  std::set<std::string> orders;
  const std::vector<std::string> victims = {"orders-worker", "inventory", "notifier", "auditlog"};
  for (int i = 0; i < kOrders; ++i) {
    const Answer placed = shop.place(cat("k", i));
    REQUIRE(placed.status == 201);
    orders.insert(placed.body.at("order"));
    REQUIRE(shop.pay(placed.body.at("order"), cat("p", i)).status == 200);
    const std::string& victim = victims[static_cast<std::size_t>(i) % victims.size()];
    shop.kill(victim);
    shop.start(victim);
  }
  const std::size_t events =
      2 * kOrders;  // paid and delivered; the database took the orders itself
  std::set<std::string> mails;
  CHECK(comes_true([&] { return rows(shop, Shop::kAuditlog).size() >= events; }));
  CHECK(comes_true([&] { return count_mails(shop, mails) >= events; }));
  CHECK(mails.size() == events);
  std::map<std::string, std::set<std::string>> seen;
  const json audit = rows(shop, Shop::kAuditlog);
  CHECK(audit.size() == events);
  for (const json& row : audit) {
    CHECK(seen[row.at("order")].insert(row.at("subject")).second);
  }
  for (const std::string& order : orders) {
    CHECK(seen[order] == std::set<std::string>{"payment.succeeded", "order.delivered"});
  }
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.outbox") == "0");
}

TEST_CASE("with the card keys away an order is paid and its stock its own, and delivered later") {
  Shop shop;
  shop.kill("cardkeys");
  const Answer placed = shop.place("k1");
  REQUIRE(placed.status == 201);
  const std::string order = placed.body.at("order");
  REQUIRE(shop.pay(order, "p1").status == 200);
  CHECK(comes_true([&] {
    return shop.sql(cat("SELECT state FROM shop.orders WHERE order_id = '", order, "'")) == "paid";
  }));
  CHECK(comes_true([&] { return shop.status_of(Shop::kInventory, "inventory_handled") == 1; }));
  CHECK(shop.look(order).at("state") == "paid");
  CHECK(shop.look(order).at("message").get<std::string>().find("卡密生成中") != std::string::npos);
  shop.start("cardkeys");
  CHECK(shop.look_until(order, "delivered").at("state") == "delivered");
}

TEST_CASE("what nobody can read is given up at once and holds nobody up") {
  Shop shop;
  auto nats = Nats::connect(shop.servers().nats());
  REQUIRE(nats);
  REQUIRE((*nats)->publish(shop::subject_for_all(shop::kPaymentSucceeded), "no order at all",
                           "poison"));
  const Answer placed = shop.place("k1");
  REQUIRE(shop.pay(placed.body.at("order"), "p1").status == 200);
  CHECK(shop.look_until(placed.body.at("order"), "delivered").at("state") == "delivered");
  std::vector<json> letters;
  CHECK(comes_true([&] {
    letters = shop.run_once("replay", "list");
    return letters.size() == 3;  // orders-paid, inventory, delivery
  }));
  for (const json& letter : letters) {
    CHECK(letter.at("body") == "no order at all");
    CHECK(letter.at("tries") == 1);
    CHECK(letter.at("why").get<std::string>().find("JSON") != std::string::npos);
  }
}

TEST_CASE("of a message that tells of many orders each is handled once, and the bad one given up") {
  Shop shop;
  shop.start("auditlog");
  // A place that another order has taken, in the middle of good ones.
  (void)shop.sql(
      "INSERT INTO shop.orders (order_id, user_id, product, quantity, amount_cents, state,"
      " idempotency_key, body_hash, placed_at_us) VALUES ('o-taken-music-year', 'u1', 'music-year',"
      " 1, 1, 'placed', 'other', 'other', 1)");
  shop::ShopQueue queue(shop.servers().nats(), 1);
  REQUIRE(comes_true([&] { return queue.connected(); }));
  std::vector<shop::QueuedOrder> orders;
  for (const char* id : {"o-one-music-year", "o-taken-music-year", "o-two-music-year"}) {
    orders.push_back({{.order = id,
                       .user = "u1",
                       .product = "music-year",
                       .quantity = 1,
                       .amount_cents = 1,
                       .idempotency_key = id,
                       .body_hash = "hash",
                       .placed_at_us = 2,
                       .charge = {}},
                      ""});
  }
  REQUIRE(queue.publish(shop::kOrderPlaced, orders));
  std::vector<json> letters;
  CHECK(comes_true([&] {
    letters = shop.run_once("replay", "list");
    return !letters.empty();
  }));
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].at("consumer") == "orders-placed");
  CHECK(parse_json(letters[0].at("body").get<std::string>())->at("order") == "o-taken-music-year");
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.orders WHERE user_id = 'u1'") == "3");
  CHECK(comes_true([&] { return rows(shop, Shop::kAuditlog).size() == 3; }));
}

TEST_CASE("payments that come in a rush are stored each once, in fewer messages, traces kept") {
  Shop shop;
  shop::ShopQueue queue(shop.servers().nats(), 1);
  REQUIRE(comes_true([&] { return queue.connected(); }));
  constexpr std::size_t kPayments = 24;
  std::atomic<std::size_t> stored{0};
  {
    shop::GatheredEvents gathered(queue, shop::kOrderPlaced, 200ms);
    std::vector<std::jthread> callers;
    for (std::size_t i = 0; i < kPayments; ++i) {
      callers.emplace_back([&, i] {
        const shop::SpanScope span = shop::SpanScope::server("pay", "");
        const std::string id = cat("o-", i, "-music-year");
        if (gathered.publish({.order = id,
                              .user = "u1",
                              .product = "music-year",
                              .quantity = 1,
                              .amount_cents = 1,
                              .idempotency_key = id,
                              .body_hash = "hash",
                              .placed_at_us = 2,
                              .charge = {}})) {
          ++stored;
        }
      });
    }
  }
  CHECK(stored == kPayments);
  auto nats = Nats::connect(shop.servers().nats());
  REQUIRE(nats);
  std::set<std::string> orders;
  std::size_t messages = 0;
  std::set<std::string> traces;
  REQUIRE((*nats)->read_all(shop::kStream, shop::subjects_of(shop::kOrderPlaced),
                            [&](const NatsMessage& message) {
                              ++messages;
                              const auto told = shop::orders_in(message.body, message.trace);
                              REQUIRE(told);
                              for (const auto& each : *told) {
                                CHECK(orders.insert(each.order.order).second);
                                traces.insert(each.trace);
                              }
                            }));
  CHECK(orders.size() == kPayments);
  CHECK(messages < kPayments / 2);
  CHECK(traces.size() == kPayments);
}

TEST_CASE("with the queue away a gathered payment is refused, not kept") {
  shop::ShopQueue queue({.urls = {"nats://127.0.0.1:1"}}, 1);
  shop::GatheredEvents gathered(queue, shop::kOrderPlaced, 20ms);
  CHECK_FALSE(gathered.publish({}));
}

TEST_CASE("a dead letter that is replayed does what it could not do before") {
  Shop shop;
  // An order that waits in the queue, and whose place in the database another one has taken.
  shop.cut_database();
  const Answer placed = shop.place("k1");
  REQUIRE(placed.body.at("durable") == "queue");
  const std::string order = placed.body.at("order");
  (void)shop.sql(
      cat("INSERT INTO shop.orders (order_id, user_id, product, quantity, amount_cents,"
          " state, idempotency_key, body_hash, placed_at_us) VALUES ('",
          order, "', 'u9', 'music-year', 1, 1, 'placed', 'other', 'other', 1)"));
  shop.mend_database();
  std::vector<json> letters;
  CHECK(comes_true([&] {
    letters = shop.run_once("replay", "list");
    return !letters.empty();
  }));
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].at("consumer") == "orders-placed");
  CHECK(letters[0].at("tries") == 5);

  (void)shop.sql(cat("DELETE FROM shop.orders WHERE order_id = '", order, "'"));
  CHECK(shop.run_once("replay", "orders-placed").size() == 1);
  CHECK(comes_true([&] {
    return shop.sql(cat("SELECT user_id FROM shop.orders WHERE order_id = '", order, "'")) == "u1";
  }));
  CHECK(shop.run_once("replay", "list").empty());
}
