// SPDX-License-Identifier: Apache-2.0
// Promise: a user's orders are in one shard for ever, chosen by the last digits of his id, and the
// shards have equal parts of the users.
#include "platform/storefront/model/shard.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>

using namespace panshi::shop;

TEST_CASE("the last two digits of the id decide") {
  CHECK(user_tail("u-7") == 7);
  CHECK(user_tail("u-1042") == 42);
  CHECK(user_tail("9") == 9);
  CHECK(user_tail("u5x08") == 8);
  CHECK(shard_of("u-133", 3) == 0);
  CHECK(shard_of("u-134", 3) == 1);
  CHECK(shard_of("u-166", 3) == 1);
  CHECK(shard_of("u-167", 3) == 2);
  CHECK(shard_of("u-167", 1) == 0);
  CHECK(shard_of("u-99", 100) == 99);
}

TEST_CASE("ids without digits are spread, and always alike") {
  CHECK(user_tail("alice") == user_tail("alice"));
  std::array<int, 3> counts{};
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'a'; b <= 'z'; ++b) ++counts[shard_of(std::string{a, b}, 3)];
  }
  for (const int count : counts) CHECK(count > 676 / 3 / 2);
}

TEST_CASE("numbered users are spread evenly") {
  std::array<int, 3> counts{};
  for (int i = 0; i < 3'000; ++i) ++counts[shard_of("u-" + std::to_string(i), 3)];
  for (const int count : counts) CHECK(std::abs(count - 1'000) <= 30);
}
