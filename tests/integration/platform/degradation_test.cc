// SPDX-License-Identifier: Apache-2.0
// Promise: each row of the degradation plan is true: with what it depends on taken away, the
// customer gets the answer that the row promises. A row that nobody tries here fails the test.
#include <catch2/catch.hpp>
#include <functional>
#include <set>
#include <thread>

#include "core/base/text.h"
#include "platform/storefront/degradation/plan.h"
#include "platform/storefront/model/shard.h"
#include "platform/storefront/pages/words.h"
#include "tests/integration/platform/shop.h"
#include "tests/support/browser.h"

using namespace panshi;
using namespace std::chrono_literals;
using Seen = Browser::Seen;

namespace {

// A customer with one delivered order, some to pay, and a review written, while all is well.
struct Scene {
  Shop shop;
  Browser browser{shop.servers().address(), Shop::kGateway};
  std::string delivered;
  std::vector<Seen> to_pay;  // pages with the form
  Seen product, checkout, support;

  Scene();
  Seen pay() {
    const Seen page = to_pay.back();
    to_pay.pop_back();
    return browser.send(page, page.path + "/pay");
  }
};

// On the shard that Shop::cut_database() cuts.
void become_one_of_first_shard(Browser& browser) {
  std::string user;
  do {
    browser.cookies.clear();
    browser.get("/");
    user = browser.cookies.at("user").substr(0, 20);
  } while (shop::shard_of(user, 3) != shop::shard_of("u1", 3));
}

Scene::Scene() {
  become_one_of_first_shard(browser);
  product = browser.get("/products/music-month");
  REQUIRE(browser.send(product, "/products/music-month/reviews", {{"stars", "4"}, {"text", "好"}})
              .says("感谢您的评价"));
  support = browser.get("/support");
  for (int i = 0; i < 8; ++i) {
    to_pay.push_back(browser.send(browser.get("/checkout/music-month"), "/orders"));
    REQUIRE(to_pay.back().says("待支付"));
  }
  // As a customer does it: while the busy shop still asks for the payment, it is paid again.
  Seen order = to_pay.back();
  to_pay.pop_back();
  delivered = order.path;
  for (int i = 0; i < 1'000 && !order.says("card-key"); ++i) {
    if (order.says("待支付")) (void)browser.send(order, delivered + "/pay");
    std::this_thread::sleep_for(10ms);
    order = browser.get(delivered);
  }
  REQUIRE(order.says("card-key"));
  checkout = browser.get("/checkout/music-month");
}

using Ask = std::function<Seen(Scene&)>;

Ask page(const std::string& path) {
  return [path](Scene& scene) { return scene.browser.get(path); };
}

const std::map<std::string, Ask>& tries() {
  const Ask product = page("/products/music-month");
  const Ask checkout = page("/checkout/music-month");
  const Ask order = [](Scene& s) { return s.browser.send(s.checkout, "/orders"); };
  const Ask status = [](Scene& s) { return s.browser.get(s.to_pay.front().path); };
  const Ask key = [](Scene& s) { return s.browser.get(s.delivered); };
  const Ask pay = [](Scene& s) { return s.pay(); };
  static const std::map<std::string, Ask> kTries = {
      {"browse", page("/")},
      {"browse-without-copy", page("/")},
      {"product-detail", product},
      {"price-at-checkout", checkout},
      {"direct-purchase", product},
      {"stock-shown", checkout},
      {"checkout-without-price", checkout},
      {"place-order", order},
      {"place-order-without-stock", order},
      {"place-order-without-database", order},
      {"order-status", status},
      {"order-status-without-database", key},
      {"pay", pay},
      {"pay-without-provider", pay},
      {"pay-without-database", pay},
      {"pay-without-status", pay},
      {"fetch-key", pay},
      {"fetch-key-again", key},
      {"fetch-key-again-without-cache", key},
      {"order-history", page("/orders")},
      {"order-history-without-orders", page("/orders")},
      {"support-chat", page("/support")},
      {"support-question",
       [](Scene& s) {
         return s.browser.send(s.support, "/support", {{"text", "where?"}});
       }},
      {"announcements", page("/")},
      {"search", page("/?q=music")},
      {"price-filter", page("/?under=20")},
      {"sorting", page("/?sort=price")},
      {"hot-list", page("/")},
      {"ratings", page("/")},
      {"recommendations", product},
      {"reviews", product},
      {"write-review",
       [](Scene& s) {
         return s.browser.send(s.product, "/products/music-month/reviews",
                               {{"stars", "5"}, {"text", "kept text"}});
       }},
      {"coupons",
       [](Scene& s) {
         return s.browser.send(s.checkout, "/orders", {{"coupon", "welcome"}});
       }},
      {"view-counts", product}};
  return kTries;
}

// What a page has while the extras are there.
const std::map<std::string, std::string> kMarks = {{"announcement", "新店开张"},
                                                   {"hot", "id=\"hot\""},
                                                   {"stars", "★"},
                                                   {"recommended", "id=\"also\""},
                                                   {"views", "浏览 "}};

void take_away(Scene& scene, const std::string& part) {
  if (part == "database") return scene.shop.cut_database();
  if (part == "redis") return scene.shop.servers().kill(ShopServers::Server::kRedis);
  scene.shop.kill(part == "goods-copy" ? "gateway" : part);
  if (part == "goods-copy") {  // a gateway that never saw the goods
    scene.shop.start("gateway");
    for (int i = 0; i < 500 && scene.browser.get("/degradation").status != 200; ++i) {
      std::this_thread::sleep_for(10ms);
    }
  }
}

// The fresh copy of the goods is over: what is seen from now on tells what is gone.
void wait_until_stale(Scene& scene) {
  for (int i = 0; i < 1'000 && !scene.browser.get("/").says(shop::words({})("stale")); ++i) {
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace

TEST_CASE("every row of the degradation plan is tried, and nothing else") {
  std::set<std::string> planned, tried;
  for (const auto& row : shop::degradation_plan()) planned.insert(row.function);
  for (const auto& [function, ask] : tries()) tried.insert(function);
  CHECK(planned == tried);
  CHECK(planned.size() >= 20);
}

TEST_CASE("with what a row depends on taken away, the customer gets what the row promises") {
  const std::string parts = GENERATE(as<std::string>(), "extras", "psp", "cardkeys", "database",
                                     "redis", "payments", "orders", "orders, goods-copy");
  Scene scene;
  const auto& said = shop::words(shop::Language::kChinese);
  std::vector<shop::DegradationRow> rows;
  for (const auto& row : shop::degradation_plan()) {
    if (join(row.depends_on, ", ") == parts) rows.push_back(row);
  }
  REQUIRE_FALSE(rows.empty());
  for (const auto& row : rows) {
    if (row.leaves_out.empty()) continue;
    INFO(row.function);
    CHECK(tries().at(row.function)(scene).says(kMarks.at(row.leaves_out)));
  }
  for (const std::string& part : rows[0].depends_on) take_away(scene, part);
  if (parts == "orders") wait_until_stale(scene);
  for (const auto& row : rows) {
    const Seen seen = tries().at(row.function)(scene);
    INFO(row.function << " without " << parts << "\n" << seen.html);
    CHECK(seen.status == row.status);
    if (!row.says.empty()) CHECK(seen.says(said(row.says)));
    if (!row.leaves_out.empty()) CHECK_FALSE(seen.says(kMarks.at(row.leaves_out)));
  }
}

TEST_CASE("each row is about a part that some case above takes away") {
  const std::set<std::string> kTaken = {"extras", "psp",      "cardkeys", "database",
                                        "redis",  "payments", "orders",   "orders, goods-copy"};
  for (const auto& row : shop::degradation_plan()) {
    INFO(row.function);
    CHECK(kTaken.contains(join(row.depends_on, ", ")));
  }
}
