// SPDX-License-Identifier: Apache-2.0
// Promise: a whole purchase works with JavaScript off, by forms that nobody else can send for us,
// and no page claims what the shop does not know.
#include <catch2/catch.hpp>
#include <regex>
#include <thread>

#include "core/base/text.h"
#include "tests/integration/platform/shop.h"
#include "tests/support/browser.h"

using namespace panshi;
using namespace std::chrono_literals;

namespace {

std::string placed(Browser& browser, const std::string& product) {
  const auto order = browser.send(browser.get(cat("/checkout/", product)), "/orders");
  INFO(order.html);
  REQUIRE(order.status == 200);
  REQUIRE(order.path.starts_with("/orders/"));
  return order.path.substr(8);
}

Browser::Seen delivered(Browser& browser, const std::string& order) {
  Browser::Seen seen;
  for (int i = 0; i < 1'000; ++i) {
    seen = browser.get(cat("/orders/", order));
    if (seen.says("id=\"card-key\"")) break;
    std::this_thread::sleep_for(10ms);
  }
  return seen;
}

std::string hidden(const Browser::Seen& page, const std::string& name) {
  std::smatch found;
  const std::regex wanted(cat("name=\"", name, "\" value=\"([^\"]*)\""));
  return std::regex_search(page.html, found, wanted) ? found[1].str() : "";
}

}  // namespace

TEST_CASE("without script a customer browses, orders, pays and fetches his key, once") {
  Shop shop;
  Browser browser(shop.servers().address(), Shop::kGateway);
  browser.add_header("Accept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\n");
  const auto list = browser.get("/");
  CHECK(list.status == 200);
  CHECK(list.says("<html lang=\"zh\""));
  CHECK(list.says("href=\"/products/music-month\""));
  CHECK(list.headers.at("content-security-policy").find("script-src 'self'") != std::string::npos);
  const std::string user = browser.cookies.at("user").substr(0, 20);
  CHECK(browser.cookies.at("user").size() == 20 + 1 + 32);
  CHECK(browser.get("/products/music-month").says("¥15.00"));
  CHECK(browser.get("/products/no-such").status == 404);

  const auto checkout = browser.get("/checkout/music-month");
  CHECK(checkout.headers.at("cache-control") == "no-store");
  const auto first = browser.send(checkout, "/orders");
  const auto again = browser.send(checkout, "/orders");  // pressed twice
  REQUIRE(first.path.starts_with("/orders/"));
  CHECK(again.path == first.path);
  CHECK(first.says("待支付"));
  const std::string order = first.path.substr(8);
  const auto paid = browser.send(first, cat("/orders/", order, "/pay"));
  CHECK(paid.path == first.path);
  CHECK((paid.says("支付成功,卡密生成中") || paid.says("已发货")));
  const auto fetched = delivered(browser, order);
  const std::string key = shop.get(cat("/api/orders/", order, "?user=", user)).body.at("card_key");
  CHECK(fetched.says(key));
  CHECK(browser.get(cat("/orders/", order)).says(key));
  CHECK(shop.charges() == 1);
  const auto history = browser.get("/orders?lang=en");
  CHECK(history.says("Delivered"));
  CHECK(history.says(order));
  CHECK(browser.get("/").says("<html lang=\"en\""));

  Browser stranger(shop.servers().address(), Shop::kGateway);
  CHECK(stranger.get(cat("/orders/", order)).status == 404);
  CHECK_FALSE(stranger.get("/orders").says(order));
}

TEST_CASE("a paid order whose key is not made yet says so, renews itself and shows the key later") {
  Shop shop;
  Browser browser(shop.servers().address(), Shop::kGateway);
  shop.kill("cardkeys");
  const std::string order = placed(browser, "game-100");
  const auto paid =
      browser.send(browser.get(cat("/orders/", order)), cat("/orders/", order, "/pay"));
  CHECK(paid.says("支付成功,卡密生成中"));
  CHECK(paid.says("http-equiv=\"refresh\""));
  CHECK_FALSE(paid.says("/pay\""));
  CHECK(browser.get(cat("/orders/", order, "?lang=en")).says("Paid, your key is on its way"));
  shop.start("cardkeys");
  CHECK(delivered(browser, order).says("id=\"card-key\""));
}

TEST_CASE("a form from another site, or without our token, changes nothing") {
  Shop shop;
  Browser browser(shop.servers().address(), Shop::kGateway);
  const auto checkout = browser.get("/checkout/music-month");
  const Browser::Fields whole = {{"product", "music-month"},
                                 {"key", hidden(checkout, "key")},
                                 {"token", hidden(checkout, "token")}};
  browser.add_header("Sec-Fetch-Site: cross-site\r\n");
  CHECK(browser.post("/orders", whole).status == 403);
  browser.add_header("Origin: http://evil.example\r\n");
  CHECK(browser.post("/orders", whole).status == 403);
  browser.add_header("Origin: null\r\n");
  CHECK(browser.post("/orders", whole).status == 403);
  Browser::Fields forged = whole;
  forged["token"] = std::string(32, 'a');
  CHECK(browser.post("/orders", forged).status == 403);
  forged.erase("token");
  CHECK(browser.post("/orders", forged).status == 403);
  CHECK(shop.sql("SELECT COUNT(*) FROM shop.orders") == "0");
  CHECK(shop.status_of(Shop::kOrders, "placed") == 0);
  Browser::Fields broken = whole;
  broken["key"] = "two words";
  CHECK(browser.post("/orders", broken).status == 400);
  browser.add_header("Sec-Fetch-Site: same-origin\r\n");
  CHECK(browser.post("/orders", whole).status == 200);
}

TEST_CASE("timings of real users are counted, and anything else is refused") {
  Shop shop;
  Browser browser(shop.servers().address(), Shop::kGateway);
  HttpClient client;
  const auto report = [&](const std::string& body) {
    const auto reply =
        client.send({.method = "POST",
                     .url = cat("http://", shop.servers().address(), ":", Shop::kGateway, "/rum"),
                     .body = body});
    return reply ? reply->status : 0;
  };
  CHECK(report(R"({"page":"list","first_byte_ms":12,"interactive_ms":80,"load_ms":150})") == 204);
  CHECK(report(R"({"page":"list","first_byte_ms":-1,"interactive_ms":80,"load_ms":150})") == 400);
  CHECK(report(R"({"page":"evil","first_byte_ms":1,"interactive_ms":80,"load_ms":150})") == 400);
  CHECK(report(std::string(2'000, '[')) == 400);
  CHECK(shop.status_of(Shop::kGatewayOps, "rum_load_le_100") == 0);
  CHECK(shop.status_of(Shop::kGatewayOps, "rum_load_le_200") == 1);
  CHECK(shop.status_of(Shop::kGatewayOps, "rum_views_list") == 1);
  CHECK(shop.status_of(Shop::kGatewayOps, "rum_refused") == 3);
}
