// SPDX-License-Identifier: Apache-2.0
// Promise: pages are escaped, complete in both languages and small, whatever is in them.
#include "platform/storefront/pages/views.h"

#include <catch2/catch.hpp>
#include <regex>
#include <set>

#include "core/base/text.h"
#include "platform/storefront/pages/embedded.h"

using namespace panshi;
using namespace panshi::shop;

namespace {

const std::string kHostile = "\"><script>alert('x')</script>&{{w.shop}}{{{content}}}";
constexpr std::size_t kPageBytesMax = 50 * 1024;

std::vector<std::string> all_pages(Language language, const std::string& text) {
  const Goods goods = {.product = "p-1", .title = text, .price_cents = 1'500, .free = 3};
  const Frame frame = {.language = language,
                       .path = "/products/p-1",
                       .token = std::string(32, 'a'),
                       .announcement = text,
                       .problem = text,
                       .done = text,
                       .stale = true,
                       .refresh_seconds = 2};
  std::vector<std::string> pages;
  ListView list = {.search = true, .query = text, .under = "", .sort = "price", .hot = {}};
  for (int i = 0; i < 40; ++i) list.items.push_back({goods, {4.4, 7}});
  list.hot = {goods, goods, goods};
  pages.push_back(list_page(frame, list));
  pages.push_back(list_page(frame, {.nothing = true}));
  ProductView product = {.product = "p-1",
                         .goods = goods,
                         .reviews = std::vector<Review>(20, {text, 4, text, 1'000'000}),
                         .recommended = {goods, goods},
                         .views = 9,
                         .draft_stars = 3,
                         .draft = text};
  pages.push_back(product_page(frame, product));
  product.reviews.reset();
  pages.push_back(product_page(frame, product));
  pages.push_back(product_page(frame, {.product = "p-1", .goods = {}}));
  pages.push_back(checkout_page(frame, {.product = "p-1", .goods = goods, .key = "k"}));
  pages.push_back(checkout_page(frame, {.product = "p-1", .goods = {}, .key = "k"}));
  for (const char* state : {"placed", "paid", "delivered", "expired", "unknown"}) {
    pages.push_back(order_page(frame, {.order = "o-1",
                                       .state = state,
                                       .product = "p-1",
                                       .title = text,
                                       .amount_cents = 1'500,
                                       .card_key = text,
                                       .key = "k"}));
  }
  HistoryView history;
  history.orders = std::vector<HistoryView::Item>(50, {"o-1", text, 1'500, "paid", 1'000'000});
  pages.push_back(history_page(frame, history));
  pages.push_back(history_page(frame, {}));
  pages.push_back(
      support_page(frame, {std::vector<ChatMessage>(20, ChatMessage{true, text, 1'000'000})}));
  pages.push_back(support_page(frame, {}));
  pages.push_back(plan_page(frame, std::vector<PlanLine>(30, {1, text, text, text})));
  pages.push_back(message_page(frame, "not_found", "no_such_order"));
  return pages;
}

std::set<std::string> keys_of(Language language) {
  std::set<std::string> keys;
  for (const auto& [key, text] : words(language).all().items()) keys.insert(key);
  return keys;
}

}  // namespace

TEST_CASE("a hostile title, text or key is shown as text and never as markup or template") {
  for (const std::string& page : all_pages(Language::kEnglish, kHostile)) {
    INFO(page);
    CHECK(page.find("<script>alert") == std::string::npos);
    CHECK(page.find("&lt;script&gt;alert(&#39;x&#39;)") != std::string::npos);
    CHECK(page.find("\"><script>") == std::string::npos);
  }
}

TEST_CASE("no page is over 50 KB, nor does one have inline script or style") {
  for (const std::string& page : all_pages(Language::kChinese, "一个相当长的商品名称 / A title")) {
    CHECK(page.size() <= kPageBytesMax);
    CHECK_FALSE(std::regex_search(page, std::regex("<script>|<style| style=| on[a-z]+=")));
  }
}

TEST_CASE("every word of a page is in both languages, and no page shows an empty place") {
  CHECK(keys_of(Language::kChinese) == keys_of(Language::kEnglish));
  const std::set<std::string> keys = keys_of(Language::kChinese);
  const std::regex word("\\{\\{w\\.([a-z_]+)\\}\\}");
  for (const char* name : {"layout", "list", "product", "checkout", "order", "history", "support",
                           "plan", "message"}) {
    const std::string text(page_file(cat("templates/", name, ".mustache")));
    for (std::sregex_iterator i(text.begin(), text.end(), word), none; i != none; ++i) {
      INFO(name << ": " << (*i)[1]);
      CHECK(keys.contains((*i)[1]));
    }
  }
  for (const Language language : {Language::kChinese, Language::kEnglish}) {
    for (const auto& [key, text] : words(language).all().items()) {
      INFO(key);
      CHECK((text.is_string() && !text.get<std::string>().empty()));
    }
    for (const std::string& page : all_pages(language, "x")) {
      CHECK(page.find("{{") == std::string::npos);
      CHECK(page.find("<label></label>") == std::string::npos);
      CHECK(page.find(cat("<html lang=\"", code_of(language), "\"")) != std::string::npos);
    }
  }
}

TEST_CASE("what is not known is said to be unknown, and the order can be placed all the same") {
  const std::string page = product_page({}, {.product = "game-100", .goods = {}});
  CHECK(page.find("<form action=\"/buy\" method=\"post\">") != std::string::npos);
  CHECK(page.find("name=\"product\" value=\"game-100\"") != std::string::npos);
  CHECK(page.find("¥") == std::string::npos);
  CHECK(page.find("data-page=\"skeleton\"") != std::string::npos);
  const std::string order = order_page({}, {.order = "o-1", .state = "unknown"});
  CHECK(order.find("<form") == std::string::npos);  // without an amount nothing can be agreed to
  const Goods unknown_stock = {.product = "p", .title = "p", .price_cents = 1, .free = {}};
  CHECK(product_page({}, {.product = "p", .goods = unknown_stock}).find("库存以下单时为准") !=
        std::string::npos);
}

TEST_CASE("an order that is paid, delivered or expired has no button to pay") {
  for (const char* state : {"paid", "delivered", "expired"}) {
    const std::string page =
        order_page({}, {.order = "o-1", .state = state, .amount_cents = 1'500});
    CHECK(page.find("/pay\"") == std::string::npos);
  }
  CHECK(order_page({}, {.order = "o-1", .state = "placed", .amount_cents = 1'500})
            .find("action=\"/orders/o-1/pay\"") != std::string::npos);
}

TEST_CASE("titles, prices and times are shown as people write them") {
  CHECK(title_in(Language::kChinese, "音乐 / Music") == "音乐");
  CHECK(title_in(Language::kEnglish, "音乐 / Music") == "Music");
  CHECK(title_in(Language::kEnglish, "音乐") == "音乐");
  CHECK(price_text(1'505) == "¥15.05");
  CHECK(time_text(1'700'000'000'000'000) == "2023-11-14 22:13 UTC");
}
