// SPDX-License-Identifier: Apache-2.0
// Promise: a paid order without a row waits for as long as its row may come, and not for ever.
#include "platform/storefront/services/missing_orders.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {
const MonoTime kMissed{1h};
}

TEST_CASE("an order is given up once nothing makes its row any more, and its time is over") {
  MissingOrders orders({.within = 10s});
  CHECK_FALSE(orders.has("a"));
  CHECK_FALSE(orders.is_given_up("a", true, kMissed));
  CHECK(orders.has("a"));
  CHECK_FALSE(orders.is_given_up("a", true, kMissed + 9s));
  CHECK_FALSE(orders.is_given_up("a", false, kMissed + 11s));
  CHECK(orders.is_given_up("a", true, kMissed + 12s));
  CHECK_FALSE(orders.has("a"));
}

TEST_CASE("an order that waits in the queue is waited for, but not for ever") {
  MissingOrders orders({.within = 10s, .within_max = 24h});
  CHECK_FALSE(orders.is_given_up("a", false, kMissed));
  CHECK_FALSE(orders.is_given_up("a", false, kMissed + 23h));
  CHECK(orders.is_given_up("a", false, kMissed + 24h));
}

TEST_CASE("an order that was found and is missed again begins anew") {
  MissingOrders orders({.within = 10s});
  CHECK_FALSE(orders.is_given_up("a", true, kMissed));
  orders.found("a");
  CHECK_FALSE(orders.is_given_up("a", true, kMissed + 20s));
}

TEST_CASE("beyond the bound newcomers wait, until what nobody decided is forgotten") {
  MissingOrders orders({.within = 10s, .within_max = 1h, .orders_max = 2});
  CHECK_FALSE(orders.is_given_up("a", false, kMissed));
  CHECK_FALSE(orders.is_given_up("b", false, kMissed));
  CHECK_FALSE(orders.is_given_up("c", true, kMissed + 1min));
  CHECK_FALSE(orders.has("c"));
  CHECK_FALSE(orders.is_given_up("c", true, kMissed + 1h));
  CHECK(orders.has("c"));
  CHECK(orders.size() == 1);
}
