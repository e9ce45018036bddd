// SPDX-License-Identifier: Apache-2.0
// Promise: goods are fresh for 5 s, one caller renews them, and while the shop is away the last
// good copy is shown, marked.
#include "platform/storefront/pages/goods_cache.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {

GoodsList one(std::int64_t price) {
  return {{.product = "p", .title = "p", .price_cents = price, .free = 3}};
}

}  // namespace

TEST_CASE("with nothing cached one caller asks and the others wait, and a failure shows nothing") {
  GoodsCache cache({});
  CHECK(cache.look(MonoTime(1s)).ask);
  for (int i = 0; i < 3; ++i) {
    const auto other = cache.look(MonoTime(1s));
    CHECK_FALSE(other.ask);
    CHECK(other.wait);
  }
  cache.failed(MonoTime(1s));
  CHECK(cache.last() == nullptr);
  const auto next = cache.look(MonoTime(1s));
  CHECK(next.ask);
  CHECK(next.goods == nullptr);
  cache.put(one(1), MonoTime(1s));
  CHECK_FALSE(cache.look(MonoTime(1s)).wait);
}

TEST_CASE("a copy is fresh for 5 seconds, then one caller asks and the others get the old one") {
  GoodsCache cache({});
  cache.put(one(1), MonoTime(10s));
  CHECK_FALSE(cache.look(MonoTime(14'999ms)).ask);
  const auto asker = cache.look(MonoTime(15s));
  CHECK(asker.ask);
  const auto other = cache.look(MonoTime(15s));
  CHECK_FALSE(other.ask);
  CHECK_FALSE(other.stale);
  CHECK(other.goods->at(0).price_cents == 1);
  cache.put(one(2), MonoTime(15s));
  CHECK(cache.look(MonoTime(16s)).goods->at(0).price_cents == 2);
}

TEST_CASE("after a failure the old copy is stale until the shop answers, asked once a second") {
  GoodsCache cache({});
  cache.put(one(1), MonoTime(0s));
  REQUIRE(cache.look(MonoTime(6s)).ask);
  cache.failed(MonoTime(6s));
  CHECK(cache.look(MonoTime(6'500ms)).stale);
  CHECK_FALSE(cache.look(MonoTime(6'500ms)).ask);
  CHECK(cache.look(MonoTime(7s)).ask);
  cache.failed(MonoTime(7s));
  const auto much_later = cache.look(MonoTime(3'600s));
  CHECK(much_later.goods != nullptr);
  CHECK(much_later.stale);
  cache.put(one(2), MonoTime(3'600s));
  CHECK_FALSE(cache.look(MonoTime(3'601s)).stale);
}
