// SPDX-License-Identifier: Apache-2.0
// Promise: retries are at most the burst and a fifth of the requests, however many fail.
#include "platform/storefront/model/retry_budget.h"

#include <catch2/catch.hpp>

#include "platform/storefront/model/bulkhead.h"
#include "platform/storefront/model/recent_set.h"

using namespace panshi::shop;

TEST_CASE("when every request fails, a fifth of them is retried, and the burst") {
  RetryBudget budget({.percent = 20, .burst = 10});
  int retries = 0;
  for (int i = 0; i < 1'000; ++i) {
    budget.requested();
    if (budget.take()) ++retries;
  }
  CHECK(retries == 210 - 1);  // the first request found the bucket full
  CHECK(budget.taken() == 209);
  CHECK(budget.refused() == 791);
}

TEST_CASE("a long calm saves up no more than the burst") {
  RetryBudget budget({.percent = 20, .burst = 3});
  for (int i = 0; i < 10'000; ++i) budget.requested();
  for (int i = 0; i < 3; ++i) CHECK(budget.take());
  CHECK_FALSE(budget.take());
}

TEST_CASE("a budget of nothing retries nothing") {
  RetryBudget budget({.percent = 0, .burst = 0});
  budget.requested();
  CHECK_FALSE(budget.take());
}

TEST_CASE("a full bulkhead refuses at once, and takes the next when one has left") {
  Bulkhead bulkhead(2);
  CHECK(bulkhead.enter());
  CHECK(bulkhead.enter());
  CHECK_FALSE(bulkhead.enter());
  CHECK(bulkhead.refused() == 1);
  bulkhead.leave();
  CHECK(bulkhead.enter());
  CHECK(bulkhead.inside() == 2);
}

TEST_CASE("a recent set keeps the newest names and forgets the oldest") {
  RecentSet set(2);
  set.add("a");
  set.add("b");
  set.add("a");
  CHECK(set.size() == 2);
  set.add("c");
  CHECK_FALSE(set.contains("a"));
  CHECK(set.contains("b"));
  CHECK(set.contains("c"));
  CHECK(set.size() == 2);
}
