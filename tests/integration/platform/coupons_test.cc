// SPDX-License-Identifier: Apache-2.0
// Promise: an order with a coupon costs less by what the shop says, once a user and as often as the
// coupon may be used; what is wrong with a coupon changes nothing; without the coupons the customer
// is told, and orders at full price.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/integration/platform/shop.h"
#include "tests/support/browser.h"
#include "tests/support/eventually.h"

using namespace panshi;
using nlohmann::json;

namespace {

constexpr std::int64_t kPrice = 1'500;  // of music-month

Answer place(Shop& shop, const std::string& user, const std::string& key,
             const std::string& coupon) {
  return shop.post("/api/orders", key,
                   {{"user", user}, {"product", "music-month"}, {"coupon", coupon}});
}
Answer pay(Shop& shop, const Answer& placed, const std::string& user, std::int64_t cents) {
  return shop.post(cat("/api/orders/", placed.body.at("order").get<std::string>(), "/pay"),
                   user + "-pay", {{"user", user}, {"amount_cents", cents}});
}
std::int64_t held(Shop& shop) {
  auto redis = Redis::connect(shop.servers().redis());
  REQUIRE(redis);
  return std::stoll(redis->run({"HGET", "stock:{music-month}", "held"})->text);
}

}  // namespace

TEST_CASE("an order with a coupon is charged its lower price, and no other") {
  Shop shop;
  const Answer placed = place(shop, "u1", "k1", "WELCOME");
  REQUIRE(placed.status == 201);
  CHECK(placed.body.at("amount_cents") == kPrice - 150);
  CHECK(placed.body.at("discount_cents") == 150);
  CHECK(place(shop, "u1", "k1", "WELCOME").body == placed.body);
  CHECK(place(shop, "u1", "k1", "ONLY-ONE").status == 422);  // the same key, another request
  CHECK(pay(shop, placed, "u1", kPrice).body.at("code") == "wrong_amount");
  CHECK(shop.charges() == 0);
  REQUIRE(pay(shop, placed, "u1", kPrice - 150).status == 200);
  const std::string order = placed.body.at("order");
  const json seen = shop.look_until(order, "delivered");
  CHECK(seen.at("coupon") == "WELCOME");
  CHECK(seen.at("discount_cents") == 150);
  CHECK(shop.get("/charges", Shop::kPsp).body.at("charges").at(0).at("amount_cents") ==
        kPrice - 150);
  CHECK(shop.sql(cat("SELECT CONCAT_WS(' ', amount_cents, coupon, discount_cents) FROM shop.orders"
                     " WHERE order_id = '",
                     order, "'")) == "1350 WELCOME 150");
}

TEST_CASE("what is wrong with a coupon is said, and nothing is kept") {
  Shop shop;
  const Answer first = place(shop, "u1", "k1", "ONLY-ONE");
  REQUIRE(first.status == 201);
  CHECK(first.body.at("amount_cents") == kPrice - 200);
  const std::int64_t before = held(shop);
  const auto refused = [&](const char* user, const char* coupon) {
    const Answer answer = place(shop, user, cat("k-", coupon), coupon);
    return cat(answer.status, " ", answer.body.value("code", ""));
  };
  CHECK(refused("u2", "ONLY-ONE") == "409 coupon_used_up");
  CHECK(refused("u1", "ONLY-ONE") == "409 coupon_used");
  CHECK(refused("u1", "LAST-YEAR") == "409 coupon_not_valid");
  CHECK(refused("u1", "NEVER-MADE") == "404 coupon_unknown");
  CHECK(refused("u1", "not a code") == "400 invalid");
  CHECK(held(shop) == before);
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.orders") == "1");
}

TEST_CASE("an order that expired unpaid has not used its coupon") {
  Shop shop(Shop::More{{"orders", "hold_time: 200ms\n"}});
  const Answer first = place(shop, "u1", "k1", "ONLY-ONE");
  REQUIRE(first.status == 201);
  const std::string order = first.body.at("order");
  CHECK(shop.look_until(order, "expired").at("state") == "expired");
  // A second after it was made the claim is asked about.
  Answer second;
  CHECK(eventually([&] {
    second = place(shop, "u2", "k2", "ONLY-ONE");
    return second.status == 201;
  }));
  REQUIRE(second.status == 201);
  REQUIRE(pay(shop, second, "u2", kPrice - 200).status == 200);
  CHECK(place(shop, "u1", "k3", "ONLY-ONE").body.at("code") == "coupon_used_up");
}

TEST_CASE("without the coupons the customer is told, and orders at full price on the same page") {
  Shop shop;
  Browser browser(shop.servers().address(), Shop::kGateway);
  const auto checkout = browser.get("/checkout/music-month?lang=en");
  shop.kill("extras");
  const auto told = browser.send(checkout, "/orders", {{"coupon", "welcome"}});
  CHECK(told.status == 503);
  CHECK(told.says("Coupons are not available now"));
  CHECK(told.says("Order at full price"));
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.orders") == "0");
  const auto order = browser.send(told, "/orders", {{"coupon", ""}});
  CHECK(order.status == 200);
  CHECK(order.says("Pay ¥15.00"));
}

TEST_CASE("a coupon is typed at the checkout and seen on the order, and a wrong one is said") {
  Shop shop;
  Browser browser(shop.servers().address(), Shop::kGateway);
  const auto checkout = browser.get("/checkout/music-month?lang=en");
  const auto wrong = browser.send(checkout, "/orders", {{"coupon", "never<b>"}});
  CHECK(wrong.status == 404);
  CHECK(wrong.says("There is no such coupon"));
  CHECK_FALSE(wrong.says("<b>"));
  const auto order = browser.send(wrong, "/orders", {{"coupon", " welcome "}});
  CHECK(order.says("WELCOME"));
  CHECK(order.says("Pay ¥13.50"));
  CHECK(browser.send(order, order.path + "/pay").status == 200);
}
