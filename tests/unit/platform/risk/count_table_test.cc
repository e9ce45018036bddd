// SPDX-License-Identifier: Apache-2.0
// Promise: no more than the limit pass in a window; memory is bounded; and nobody gets rid of the
// count that blocks him by coming with many other keys.
#include "platform/storefront/risk/count_table.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;
using Outcome = CountTable::Outcome;

namespace {
const MonoTime kStart{1h};

bool pass(CountTable& table, const std::string& key, MonoTime now) {
  if (table.look(key, now) != Outcome::kUnder) return false;
  table.add(key, now);
  return true;
}
}  // namespace

TEST_CASE("a key passes as often as its limit says, and again when the window has slid on") {
  CountTable table({.window = 10s, .limit = 10, .keys_max = 100});
  for (int i = 0; i < 10; ++i) CHECK(pass(table, "a", kStart));
  CHECK_FALSE(pass(table, "a", kStart));
  CHECK(pass(table, "b", kStart));
  CHECK_FALSE(pass(table, "a", kStart + 9'999ms));
  CHECK_FALSE(pass(table, "a", kStart + 10s));  // all ten are still in the last ten seconds
  CHECK(pass(table, "a", kStart + 11s));
  CHECK_FALSE(pass(table, "a", kStart + 11s));
  CHECK(pass(table, "a", kStart + 30s));
}

TEST_CASE("who tries without end passes at the limit's rate, not more") {
  CountTable table({.window = 1s, .limit = 10, .keys_max = 100});
  int passed = 0;
  for (MonoTime now = kStart; now < kStart + 100s; now += 5ms) passed += pass(table, "a", now);
  CHECK(passed >= 900);
  CHECK(passed <= 1'010);
}

TEST_CASE("different values count once each, and leave one by one") {
  CountTable table({.window = 10s, .limit = 2, .keys_max = 100});
  const auto use = [&](const char* value, MonoTime now) {
    if (table.look("d", value, now) != Outcome::kUnder) return false;
    table.add("d", value, now);
    return true;
  };
  CHECK(use("u1", kStart));
  CHECK(use("u1", kStart + 1s));
  CHECK(use("u2", kStart + 2s));
  CHECK_FALSE(use("u3", kStart + 3s));
  CHECK(use("u2", kStart + 9s));
  CHECK(use("u3", kStart + 11s));  // u1 was last seen ten seconds ago
  CHECK_FALSE(use("u1", kStart + 12s));
}

TEST_CASE("many keys never take more memory than the bound") {
  CountTable table({.window = 10s, .limit = 3, .keys_max = 50});
  for (int i = 0; i < 5'000; ++i) {
    CHECK(pass(table, cat("k", i), kStart));
    CHECK(table.size() <= 50);
  }
}

TEST_CASE("a blocked key stays blocked, however many other keys come") {
  CountTable table({.window = 10s, .limit = 3, .keys_max = 50});
  for (int i = 0; i < 3; ++i) CHECK(pass(table, "bad", kStart));
  for (int i = 0; i < 5'000; ++i) pass(table, cat("k", i), kStart + 1s);
  CHECK_FALSE(pass(table, "bad", kStart + 2s));
}

TEST_CASE("with every key blocked a new one finds no room until their windows are over") {
  CountTable table({.window = 10s, .limit = 1, .keys_max = 20});
  for (int i = 0; i < 20; ++i) CHECK(pass(table, cat("k", i), kStart));
  CHECK(table.look("new", kStart + 1s) == Outcome::kFull);
  CHECK(table.size() == 20);
  CHECK(table.look("new", kStart + 20s) == Outcome::kUnder);
}
