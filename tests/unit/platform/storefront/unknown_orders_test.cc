// SPDX-License-Identifier: Apache-2.0
// Promise: an order that is nowhere is not looked for again for a while, and no longer; what is
// remembered of such orders is bounded.
#include "platform/storefront/model/unknown_orders.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

TEST_CASE("an unknown order is remembered for as long as was said") {
  UnknownOrders unknown(10, 1s);
  CHECK_FALSE(unknown.contains("a", MonoTime(5s)));
  unknown.add("a", MonoTime(5s));
  CHECK(unknown.contains("a", MonoTime(5'999ms)));
  CHECK_FALSE(unknown.contains("a", MonoTime(6s)));
  unknown.add("a", MonoTime(7s));  // asked for again, and still nowhere
  CHECK(unknown.contains("a", MonoTime(7'500ms)));
}

TEST_CASE("of unknown orders the oldest leave, and those whose time is over") {
  UnknownOrders unknown(3, 1s);
  for (const char* name : {"a", "b", "c", "d"}) unknown.add(name, MonoTime(1s));
  CHECK_FALSE(unknown.contains("a", MonoTime(1s)));
  CHECK(unknown.contains("d", MonoTime(1s)));
  CHECK(unknown.size() == 3);
  unknown.add("e", MonoTime(9s));
  CHECK(unknown.size() == 1);
  for (int i = 0; i < 100; ++i) unknown.add("e", MonoTime(9s));
  CHECK(unknown.contains("e", MonoTime(9s)));
  CHECK(unknown.size() == 1);
}

TEST_CASE("with no time or no room nothing is remembered") {
  for (UnknownOrders unknown : {UnknownOrders(0, 1s), UnknownOrders(10, 0s)}) {
    unknown.add("a", MonoTime(1s));
    CHECK_FALSE(unknown.contains("a", MonoTime(1s)));
    CHECK(unknown.size() == 0);
  }
}
