// SPDX-License-Identifier: Apache-2.0
// Promise: a database gets each migration once and in order, and one that was tampered with is
// refused with the reason.
#include "platform/storefront/stores/migrations.h"

#include <catch2/catch.hpp>

#include "platform/storefront/stores/schema.h"

using namespace panshi;
using namespace panshi::shop;

namespace {

constexpr Migration kSteps[] = {
    {"goods", "CREATE a"}, {"orders", "CREATE b"}, {"keys", "CREATE c"}};

std::vector<AppliedMigration> first(std::size_t count) {
  std::vector<AppliedMigration> applied;
  for (std::size_t i = 0; i < count; ++i) {
    applied.push_back({static_cast<std::int64_t>(i + 1), kSteps[i].name, checksum_of(kSteps[i])});
  }
  return applied;
}
std::string refusal_of(const std::vector<AppliedMigration>& applied) {
  const auto counted = count_applied(kSteps, applied);
  if (counted) return "";
  CHECK(counted.error().code == ErrorCode::kRefused);
  return counted.error().message;
}

}  // namespace

TEST_CASE("a database goes on from the migration that it had last") {
  CHECK(count_applied(kSteps, {}).value() == 0);
  CHECK(count_applied(kSteps, first(2)).value() == 2);
  CHECK(count_applied(kSteps, first(3)).value() == 3);
}

TEST_CASE("a migration that was changed after a database had it is refused by its name") {
  auto applied = first(3);
  applied[1].checksum = checksum_of({"orders", "CREATE b2"});
  CHECK(refusal_of(applied) ==
        "migration 2 (orders) was changed after this database had it; make a new one instead");
}

TEST_CASE("a database with a gap, and one that is newer than the program, are left alone") {
  auto gap = first(3);
  gap.erase(gap.begin() + 1);
  CHECK(refusal_of(gap) == "migration 3 (keys) is there, but migration 2 is not");
  auto newer = first(3);
  newer.push_back({4, "coupons", "0123456789abcdef"});
  CHECK(refusal_of(newer) == "migration 4 (coupons) is newer than this program");
}

// Databases out there have these: the list may only grow at its end.
TEST_CASE("the shop's migrations that databases have had are as they were") {
  std::string all;
  for (const Migration& step : shop_migrations().first(9)) all += checksum_of(step);
  CHECK(checksum_of({"all", all.c_str()}) == "ea9f4b780b703c30");
}
