// SPDX-License-Identifier: Apache-2.0
// Promise: who asks for what is not there does not reach the database each time, and a skeleton of
// a page sells.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "platform/storefront/model/order.h"
#include "tests/integration/platform/shop.h"
#include "tests/support/browser.h"
#include "tests/support/eventually.h"

using namespace panshi;

TEST_CASE("an unknown order is looked for once in a while, and found as soon as it is there") {
  Shop shop(Shop::More{{"orders", "unknown_for: 1m\n"}});
  const std::string order = shop::order_id_of("u1", "k-late", "music-month");
  const auto look = [&](const std::string& id) {
    return shop.get(cat("/api/orders/", id, "?user=u1"), Shop::kOrders).status;
  };
  CHECK(look(order) == 404);
  CHECK(shop.status_of(Shop::kOrders, "unknown_orders_hits") == 0);
  shop.cut_database();
  CHECK(look(order) == 404);  // without the database
  CHECK(look("o-0000000000000000-music-month") >= 500);
  CHECK(shop.status_of(Shop::kOrders, "unknown_orders_hits") == 1);
  shop.mend_database();
  REQUIRE(shop.place("k-late").status == 201);
  CHECK(look(order) == 200);
}

TEST_CASE("the button of a skeleton orders and pays, once however often it is pressed") {
  Shop shop;
  Browser browser(shop.servers().address(), Shop::kGateway);
  (void)browser.get("/");
  auto skeleton = browser.get("/skeleton?lang=en");
  REQUIRE(skeleton.status == 200);
  CHECK(skeleton.says("price of this moment, once"));
  // As the service worker fills it in.
  for (const auto& [name, value] :
       {std::pair("__product__", "music-month"), std::pair("__key__", "w-0123456789abcdef")}) {
    const std::size_t size = std::string(name).size();
    for (std::size_t at = 0; (at = skeleton.html.find(name)) != std::string::npos;) {
      skeleton.html.replace(at, size, value);
    }
  }
  const auto bought = browser.send(skeleton, "/buy");
  INFO(bought.html);
  REQUIRE(bought.path.starts_with("/orders/"));
  CHECK(bought.status == 200);
  CHECK(browser.send(skeleton, "/buy").path == bought.path);
  CHECK(eventually([&] { return browser.get(bought.path).says("id=\"card-key\""); }));
  CHECK(shop.charges() == 1);
  // A form of somebody else's does nothing.
  CHECK(browser.post("/buy", {{"product", "music-month"}, {"key", "w-2"}, {"token", "x"}}).status ==
        403);
  CHECK(shop.charges() == 1);
}
