// SPDX-License-Identifier: Apache-2.0
// Promise: the soft stock is never oversold and never negative, and whatever order things happen in
// and however often they are repeated, initial = free + held + sold.
#include <catch2/catch.hpp>
#include <set>

#include "core/base/random.h"
#include "core/base/text.h"
#include "platform/storefront/stores/stock.h"
#include "tests/support/eventually.h"
#include "tests/support/redis_servers.h"
#include "tests/support/shop_servers.h"

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;
using Server = ShopServers::Server;
using Reserved = SoftStock::Reserved;
using PayStart = SoftStock::PayStart;

namespace {

constexpr const char* kProduct = "music-month";
const WallTime kNow{std::chrono::days{20'000}};

Order order_named(const std::string& key, const std::string& user = "u1") {
  return {.order = order_id_of(user, key, kProduct),
          .user = user,
          .product = kProduct,
          .quantity = 1,
          .amount_cents = 1'500,
          .idempotency_key = key,
          .body_hash = body_hash_of(user, kProduct, 1),
          .placed_at_us = 1,
          .paid_at_us = 0,
          .charge = {}};
}

struct Single {
  RedisCluster::Options options() const {
    return {.seeds = {cat(servers.address(), ":", ShopServers::kRedisPort)}, .connections = 2};
  }
  void flush() { REQUIRE(Redis::connect(servers.redis())->run({"FLUSHALL"})); }
  ShopServers servers{{Server::kRedis}};
};

struct Cluster {
  RedisCluster::Options options() const { return servers.options(); }
  void flush() {
    RedisCluster redis(options());
    REQUIRE(redis.refresh());
    for (const auto& shard : redis.topology()->shards()) {
      REQUIRE(servers.tell(servers.index_of(shard.master), {"FLUSHALL"}));
    }
  }
  RedisServers servers;
};

// How many expired.
Result<int> expire(SoftStock& stock, WallTime now, int limit) {
  ASSIGN_OR_RETURN(const WallTime swept_until, stock.swept_until());
  ASSIGN_OR_RETURN(const SoftStock::Expiry expiry, stock.expire(kProduct, now, swept_until, limit));
  return expiry.expired;
}

template <class Servers>
struct Stock {
  explicit Stock(std::int64_t initial) : stock(servers.options()) {
    count_anew({.initial = initial, .orders = {}, .sold = {}});
  }
  // As recount() does it; the epoch is one above the last.
  void count_anew(const StockLedger& ledger) {
    const auto seen = stock.lost(kProduct);
    REQUIRE(seen);
    REQUIRE(*seen);
    REQUIRE(stock.rebuild(kProduct, {**seen, cat(++epoch), kNow + 10min}, ledger));
  }
  Hold hold(const Order& order) {
    const auto found = stock.find(order.order);
    REQUIRE(found);
    return found->value_or(
        Hold{.order = order, .state = {}, .durable = {}, .card_key = {}, .epoch = {}});
  }
  int epoch = 0;
  std::string counts() {
    const auto count = stock.count(kProduct);
    REQUIRE(count);
    REQUIRE(*count);
    return cat((*count)->free, " free ", (*count)->held, " held ", (*count)->sold, " sold");
  }
  PayStart begin_pay(const Order& order, WallTime now = kNow) {
    const auto begun =
        stock.begin_pay(order.order, {order.user, order.amount_cents}, now, now + 1min);
    REQUIRE(begun);
    return begun->outcome;
  }
  Reserved reserve(const Order& order, WallTime expires = kNow + 10min) {
    const auto reserved = stock.reserve(order, expires);
    REQUIRE(reserved);
    return reserved->outcome;
  }
  Servers servers;
  SoftStock stock;
};

}  // namespace

TEMPLATE_TEST_CASE("counts that are whole are not made again, by whoever wants to", "", Single,
                   Cluster) {
  Stock<TestType> shop(3);
  CHECK(shop.reserve(order_named("a")) == Reserved::kNew);
  CHECK(shop.stock.lost(kProduct)->has_value() == false);
  const StockLedger other = {.initial = 9, .orders = {}, .sold = {}};
  CHECK(shop.stock.rebuild(kProduct, {"", "7", kNow}, other).error().code == ErrorCode::kConflict);
  CHECK(shop.stock.rebuild(kProduct, {"", "1", kNow}, other));  // this epoch is there: a repeat
  CHECK(shop.counts() == "2 free 1 held 0 sold");
}

TEMPLATE_TEST_CASE(
    "a reservation is made once for an order, refused for another body, and when sold out", "",
    Single, Cluster) {
  Stock<TestType> shop(1);
  CHECK(shop.reserve(order_named("a")) == Reserved::kNew);
  CHECK(shop.reserve(order_named("a")) == Reserved::kAlready);
  Order other = order_named("a");
  other.product = "music-year";
  other.order = order_id_of("u1", "a", "music-year");
  CHECK(shop.reserve(other) == Reserved::kOtherBody);
  CHECK(shop.reserve(order_named("a", "u2")) == Reserved::kSoldOut);  // his own key "a"
  CHECK(shop.reserve(order_named("b")) == Reserved::kSoldOut);
  CHECK(shop.counts() == "0 free 1 held 0 sold");
  Order strange = order_named("c");
  strange.product = "nothing";
  strange.order = order_id_of("u1", "c", "nothing");
  CHECK(shop.stock.reserve(strange, kNow).error().code == ErrorCode::kConflict);
}

TEMPLATE_TEST_CASE("a hold is cancelled only by its last request, and not once it was recorded", "",
                   Single, Cluster) {
  Stock<TestType> shop(5);
  const Order order = order_named("a");
  shop.reserve(order);
  shop.reserve(order);
  REQUIRE(shop.stock.cancel(shop.hold(order)));
  CHECK(shop.counts() == "4 free 1 held 0 sold");
  REQUIRE(shop.stock.cancel(shop.hold(order)));
  CHECK(shop.counts() == "5 free 0 held 0 sold");
  REQUIRE(shop.stock.cancel(shop.hold(order)));
  CHECK(shop.counts() == "5 free 0 held 0 sold");
  shop.reserve(order);
  REQUIRE(shop.stock.recorded(order.order, "database"));
  REQUIRE(shop.stock.cancel(shop.hold(order)));
  CHECK(shop.counts() == "4 free 1 held 0 sold");
  CHECK(shop.stock.find(order.order)->value().durable == "database");
}

TEMPLATE_TEST_CASE("an overdue hold gives its stock back and cannot be paid any more", "", Single,
                   Cluster) {
  Stock<TestType> shop(2);
  const Order order = order_named("a");
  shop.reserve(order, kNow + 10min);
  CHECK(expire(shop.stock, kNow, 10) == 0);
  CHECK(shop.begin_pay(order, kNow + 10min) == PayStart::kExpired);  // overdue, not yet swept
  CHECK(expire(shop.stock, kNow + 10min, 10) == 1);
  CHECK(shop.counts() == "2 free 0 held 0 sold");
  CHECK(shop.begin_pay(order) == PayStart::kExpired);
  const auto waiting = shop.stock.expired_unrecorded(kProduct, 10);
  REQUIRE(waiting);
  REQUIRE(waiting->size() == 1);
  CHECK(waiting->at(0).order == order.order);
  CHECK(shop.stock.expire(kProduct, kNow, kNow, 10)->unrecorded == 1);
  REQUIRE(shop.stock.expiry_recorded(order.order));
  CHECK(shop.stock.expire(kProduct, kNow, kNow, 10)->unrecorded == 0);
  CHECK(shop.stock.expired_unrecorded(kProduct, 10)->empty());
}

TEMPLATE_TEST_CASE(
    "a hold that is being paid expires only after the provider's ledger was read past it", "",
    Single, Cluster) {
  Stock<TestType> shop(2);
  const Order order = order_named("a");
  shop.reserve(order, kNow + 10min);
  CHECK(shop.begin_pay(order) == PayStart::kStarted);
  CHECK(expire(shop.stock, kNow + 20min, 10) == 0);
  REQUIRE(shop.stock.set_swept(kNow + 5min, 0));
  CHECK(expire(shop.stock, kNow + 20min, 10) == 0);
  REQUIRE(shop.stock.set_swept(kNow + 11min, 0));
  CHECK(expire(shop.stock, kNow + 20min, 10) == 1);
  CHECK(shop.counts() == "2 free 0 held 0 sold");
}

TEMPLATE_TEST_CASE(
    "a payment is for the right order, user and amount, and a declined one can be repeated", "",
    Single, Cluster) {
  Stock<TestType> shop(2);
  const Order order = order_named("a");
  shop.reserve(order);
  const auto outcome = [&](const std::string& user, std::int64_t amount) {
    return shop.stock.begin_pay(order.order, {user, amount}, kNow, kNow + 1min)->outcome;
  };
  CHECK(outcome("u2", 1'500) == PayStart::kUnknownOrder);
  CHECK(outcome("u1", 1'499) == PayStart::kWrongAmount);
  CHECK(outcome("u1", 1'500) == PayStart::kStarted);
  CHECK(outcome("u1", 1'500) == PayStart::kStarted);
  REQUIRE(shop.stock.end_pay(shop.hold(order), kNow + 10min));
  CHECK(outcome("u1", 1'500) == PayStart::kStarted);
  REQUIRE(shop.stock.paid(order));
  CHECK(outcome("u1", 1'500) == PayStart::kAlreadyPaid);
  REQUIRE(shop.stock.end_pay(shop.hold(order), kNow + 10min));
  CHECK(shop.stock.find(order.order)->value().state == "paid");
}

TEMPLATE_TEST_CASE("of many orders one look tells which are counted as paid", "", Single, Cluster) {
  Stock<TestType> shop(5);
  std::vector<std::string> ids;
  for (const char* key : {"placed", "paid", "delivered", "never"}) {
    ids.push_back(order_named(key).order);
    if (key == std::string("never")) continue;
    REQUIRE(shop.stock.reserve(order_named(key), kNow + 10min));
  }
  REQUIRE(shop.stock.paid(order_named("paid")));
  REQUIRE(shop.stock.delivered(order_named("delivered"), "KEY"));
  CHECK(shop.stock.paid_among(kProduct, ids).value() == std::set<std::string>{ids[1], ids[2]});

  // What was lost is not taken for paid.
  shop.servers.flush();
  CHECK(shop.stock.paid_among(kProduct, ids).error().code == ErrorCode::kConflict);
}

TEMPLATE_TEST_CASE("a delivered order is sold once, and its key can be read", "", Single, Cluster) {
  Stock<TestType> shop(2);
  const Order order = order_named("a");
  shop.reserve(order);
  REQUIRE(shop.stock.delivered(order, "KEY-1"));
  REQUIRE(shop.stock.delivered(order, "KEY-1"));
  REQUIRE(shop.stock.paid(order));
  CHECK(shop.counts() == "1 free 0 held 1 sold");
  CHECK(shop.stock.find(order.order)->value().state == "delivered");
  CHECK(shop.stock.find(order.order)->value().card_key == "KEY-1");
  CHECK(expire(shop.stock, kNow + 24h, 10) == 0);
}

TEMPLATE_TEST_CASE("an order that was paid although its hold had expired takes stock again", "",
                   Single, Cluster) {
  Stock<TestType> shop(1);
  const Order order = order_named("a");
  shop.reserve(order, kNow);
  REQUIRE(expire(shop.stock, kNow, 10) == 1);
  REQUIRE(shop.stock.delivered(order, "KEY-1"));
  CHECK(shop.counts() == "0 free 0 held 1 sold");
  CHECK(shop.stock.expired_unrecorded(kProduct, 10)->empty());
}

TEMPLATE_TEST_CASE("an id that is none of ours is no order", "", Single, Cluster) {
  Stock<TestType> shop(2);
  for (const char* id : {"o-1", "o-0123456789abcdef-music-month", "o-0123456789abcdef-}{x", ""}) {
    INFO(id);
    CHECK(shop.stock.find(id)->has_value() == false);
    CHECK(shop.stock.begin_pay(id, {"u1", 1'500}, kNow, kNow)->outcome == PayStart::kUnknownOrder);
  }
}

TEMPLATE_TEST_CASE("no history of the stock oversells it or loses a piece", "", Single, Cluster) {
  Stock<TestType> shop(4);
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    shop.servers.flush();
    shop.count_anew({.initial = 4, .orders = {}, .sold = {}});
    Random random(seed);
    WallTime now = kNow;
    std::set<std::string> paid;
    for (int step = 0; step < 80; ++step) {
      now += Duration(static_cast<std::int64_t>(random.below(120'000'000)));
      const Order order = order_named(cat("k", random.below(8)));
      switch (random.below(7)) {
        case 0:
        case 1:
          REQUIRE(shop.stock.reserve(order, now + 10min));
          break;
        case 2:
          REQUIRE(shop.stock.cancel(shop.hold(order)));
          break;
        case 3: {
          const auto begun = shop.stock.begin_pay(order.order, {"u1", 1'500}, now, now + 1min);
          REQUIRE(begun);
          if (begun->outcome == PayStart::kStarted && random.chance(50)) paid.insert(order.order);
          break;
        }
        case 4:
          if (paid.contains(order.order)) REQUIRE(shop.stock.paid(order));
          break;
        case 5:
          if (paid.contains(order.order)) REQUIRE(shop.stock.delivered(order, "KEY"));
          break;
        default:
          // What the sweep of the ledger notes: everything charged so far has its event.
          for (const std::string& id : paid) {
            const auto hold = shop.stock.find(id);
            REQUIRE(hold);
            if (*hold && (*hold)->state == "paying") REQUIRE(shop.stock.paid((*hold)->order));
          }
          REQUIRE(shop.stock.set_swept(now, 0));
          REQUIRE(expire(shop.stock, now, 100));
      }
      const auto counted = shop.stock.count(kProduct);
      REQUIRE(counted);
      const StockCount count = **counted;
      INFO("step " << step << ": " << count.free << " free " << count.held << " held " << count.sold
                   << " sold");
      REQUIRE(count.free >= 0);
      REQUIRE(count.held >= 0);
      REQUIRE(count.sold >= 0);
      REQUIRE(count.free + count.held + count.sold == count.initial);
    }
  }
}

TEMPLATE_TEST_CASE("what Redis lost is made anew from the ledger, and what was begun is refused",
                   "", Single, Cluster) {
  Stock<TestType> shop(10);
  const Order placed = order_named("placed");
  const Order paying = order_named("paying");
  const Order paid = order_named("paid");
  const Order sold = order_named("sold");
  const Order gone = order_named("gone");
  const Order long_ago = order_named("long-ago", "u9");
  for (const Order& order : {placed, paying, paid, sold, gone}) shop.reserve(order);
  CHECK(shop.begin_pay(paying) == PayStart::kStarted);
  const Hold before_paying = shop.hold(paying);
  const Hold before_gone = shop.hold(gone);
  shop.servers.flush();

  CHECK(shop.stock.reserve(order_named("x"), kNow + 1h).error().code == ErrorCode::kConflict);
  CHECK(shop.stock.recorded(placed.order, "database").error().code == ErrorCode::kConflict);
  CHECK(shop.stock.delivered(sold, "KEY-1").error().code == ErrorCode::kConflict);
  CHECK(expire(shop.stock, kNow + 1h, 10).error().code == ErrorCode::kConflict);
  CHECK(shop.stock.find(placed.order)->has_value() == false);

  const StockLedger ledger = {.initial = 10,
                              .orders = {{placed, "placed", ""},
                                         {paying, "placed", ""},
                                         {paid, "paid", ""},
                                         {sold, "delivered", "KEY-1"}},
                              .sold = {sold.order, long_ago.order}};
  shop.count_anew(ledger);
  CHECK(shop.counts() == "5 free 3 held 2 sold");
  CHECK(shop.hold(paid).state == "paid");
  CHECK(shop.hold(sold).card_key == "KEY-1");

  CHECK(shop.stock.end_pay(before_paying, kNow).error().code == ErrorCode::kConflict);
  CHECK(shop.stock.recorded(gone.order, "queue").error().code == ErrorCode::kConflict);
  CHECK(shop.stock.cancel(before_gone));  // nothing is held for it any more
  CHECK(shop.counts() == "5 free 3 held 2 sold");
  shop.reserve(gone);
  CHECK(shop.stock.cancel(before_gone).error().code == ErrorCode::kConflict);
  CHECK(shop.counts() == "4 free 4 held 2 sold");

  // Charged before, perhaps: only the provider's ledger says that it was not.
  CHECK(expire(shop.stock, kNow + 1h, 10) == 1);  // `gone`
  REQUIRE(shop.stock.set_swept(kNow + 1h, 0));
  REQUIRE(shop.stock.delivered(paying, "KEY-2"));
  CHECK(expire(shop.stock, kNow + 1h, 10) == 1);  // `placed`
  REQUIRE(shop.stock.delivered(paid, "KEY-3"));
  REQUIRE(shop.stock.delivered(sold, "KEY-1"));  // told again: counted already
  REQUIRE(shop.stock.delivered(long_ago, "KEY-0"));
  CHECK(shop.counts() == "6 free 0 held 4 sold");
}

TEMPLATE_TEST_CASE("an order that is paid without a hold takes stock, or is not counted", "",
                   Single, Cluster) {
  Stock<TestType> shop(1);
  REQUIRE(shop.stock.paid(order_named("a")));
  CHECK(shop.counts() == "0 free 1 held 0 sold");
  REQUIRE(shop.stock.delivered(order_named("b"), "KEY-B"));
  CHECK(shop.counts() == "0 free 1 held 0 sold");  // more were paid than there are
  REQUIRE(shop.stock.delivered(order_named("a"), "KEY-A"));
  CHECK(shop.counts() == "0 free 0 held 1 sold");
}

TEST_CASE("after a failover nothing is sold before it was counted again") {
  Stock<Cluster> shop(5);
  const RedisServers& servers = shop.servers.servers;
  const Order order = order_named("a");
  shop.reserve(order);
  RedisCluster redis(shop.servers.options());
  REQUIRE(redis.refresh());
  const auto shard = *redis.topology()->shard_of(redis_slot(cat("stock:{", kProduct, "}")));
  // A place is taken when the one that had it follows: one without a vote is lost again.
  const auto take_over = [&](const std::string& address, const std::string& from) {
    const auto place = [&](const std::string& of) {
      const auto role = servers.tell(servers.index_of(of), {"ROLE"});
      return role && !role->list.empty() ? role->list[0].text : "";
    };
    return eventually([&] {
      if (place(from) == "slave" && place(address) == "master") return true;
      (void)servers.tell(servers.index_of(address), {"CLUSTER", "FAILOVER"});
      return false;
    });
  };
  const auto refused = [&] {
    const auto answer = shop.stock.reserve(order_named("b"), kNow + 1h);
    return !answer && answer.error().code == ErrorCode::kConflict;
  };
  REQUIRE(take_over(shard.replicas[0], shard.master));
  CHECK(eventually(refused));
  // Also when the first one serves again meanwhile: it has only what the other one had.
  REQUIRE(take_over(shard.master, shard.replicas[0]));
  CHECK(eventually(refused));
  std::string seen;
  CHECK(eventually([&] {
    const auto lost = shop.stock.lost(kProduct);
    if (lost && *lost) seen = **lost;
    return seen == "1";
  }));
  shop.count_anew({.initial = 5, .orders = {{order, "placed", ""}}, .sold = {}});
  CHECK(shop.counts() == "4 free 1 held 0 sold");
  CHECK(shop.reserve(order_named("b")) == Reserved::kNew);
}
