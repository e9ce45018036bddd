// SPDX-License-Identifier: Apache-2.0
// Promise: what is searched, recommended and answered is among the goods and what was asked.
#include "platform/storefront/model/shelf.h"

#include <catch2/catch.hpp>

using namespace panshi::shop;

TEST_CASE("a search wants every word, in either language, whatever the case") {
  using Found = std::vector<std::string>;
  CHECK(search_shelf(products(), {.text = "MUSIC year"}, {}) == Found{"music-year"});
  CHECK(search_shelf(products(), {.text = "音乐"}, {}) == Found{"music-month", "music-year"});
  CHECK(search_shelf(products(), {.text = "music video"}, {}).empty());
  CHECK(search_shelf(products(), {}, {}).size() == products().size());
}

TEST_CASE("the price filter is a bound, and sorting is by price or by views") {
  const auto cheap = search_shelf(products(), {.price_max_cents = 1'000, .sort = "price"}, {});
  CHECK(cheap == std::vector<std::string>{"cloud-100g", "game-100"});
  const auto hot = search_shelf(products(), {.sort = "hot"}, {{"ebook-card", 5}});
  CHECK(hot.front() == "ebook-card");
  CHECK(hot.size() == products().size());
}

TEST_CASE("the hot list has only what somebody looked at") {
  CHECK(hot_on_shelf(products(), {}, 3).empty());
  const Views views = {{"game-100", 1}, {"office-pro", 9}, {"no-such", 99}};
  CHECK(hot_on_shelf(products(), views, 3) == std::vector<std::string>{"office-pro", "game-100"});
  CHECK(hot_on_shelf(products(), views, 1).size() == 1);
}

TEST_CASE("recommendations are of the same kind first, and never the product itself") {
  const auto found = recommended_with("game-100", products(), {{"office-pro", 9}}, 3);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == "game-500");
  CHECK(found[1] == "office-pro");
  CHECK(std::count(found.begin(), found.end(), "game-100") == 0);
}

TEST_CASE("the support program answers what it knows and leaves the rest to people") {
  CHECK(support_answer("我的卡密呢?").find("订单页面") != std::string::npos);
  CHECK(support_answer("was I charged TWICE").find("charged once") != std::string::npos);
  CHECK(support_answer("do you sell hats").empty());
}
