// SPDX-License-Identifier: Apache-2.0
// Promise: the same data gives the same page, byte for byte.
//
// PANSHI_GOLDEN_UPDATE=1 writes what came out in place of what was expected; read the diff.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "platform/storefront/pages/embedded.h"
#include "platform/storefront/pages/views.h"

namespace panshi::shop {
namespace {

namespace fs = std::filesystem;

const Goods kMusic = {.product = "music-month",
                      .title = "音乐会员月卡 / Music membership, one month",
                      .price_cents = 1'500,
                      .free = 12};
const Goods kFilm = {
    .product = "video-year", .title = "影视 / Film", .price_cents = 23'800, .free = 0};

void expect(const std::string& name, std::string page) {
  // Changes with every template and asset; the unit tests see that it is there.
  const std::string version(pages_version());
  for (std::size_t at = 0; (at = page.find(version, at)) != std::string::npos;) {
    page.replace(at, version.size(), "VERSION");
  }
  const fs::path file = fs::path(PANSHI_SOURCE_DIR) / "tests/golden/pages" / (name + ".html");
  if (std::getenv("PANSHI_GOLDEN_UPDATE") != nullptr) std::ofstream(file, std::ios::binary) << page;
  std::ifstream in(file, std::ios::binary);
  std::ostringstream expected;
  expected << in.rdbuf();
  INFO(file);
  CHECK(expected.str() == page);
}

TEST_CASE("the list of goods, in Chinese, with what is left and what is sold out") {
  ListView view = {.items = {{kMusic, {4.6, 3}}, {kFilm}}};
  view.search = true;
  view.sort = "price";
  view.hot = {kMusic};
  expect("list of goods in Chinese",
         list_page({.language = Language::kChinese, .announcement = "今晚维护"}, view));
}

TEST_CASE("a product out of date, without its extras") {
  expect(
      "product out of date in English",
      product_page({.language = Language::kEnglish, .path = "/products/music-month", .stale = true},
                   {.product = "music-month", .goods = kMusic}));
}

TEST_CASE("a skeleton whose button orders and pays") {
  expect("skeleton in Chinese",
         product_page({.path = "/products/music-month"},
                      {.product = "music-month", .goods = {}, .key = "w-1"}));
}

TEST_CASE("a paid order whose key is on its way") {
  expect("paid order in English",
         order_page({.language = Language::kEnglish, .path = "/orders/o-1", .refresh_seconds = 2},
                    {.order = "o-1",
                     .state = "paid",
                     .product = kMusic.product,
                     .title = kMusic.title,
                     .amount_cents = 1'500}));
}

}  // namespace
}  // namespace panshi::shop
