// SPDX-License-Identifier: Apache-2.0
// Promise: when there are not enough places, the lowest class is refused first, and no surge of a
// lower class takes the places kept for a higher one.
#include "platform/storefront/model/shedding.h"

#include <catch2/catch.hpp>

#include "core/base/random.h"

using namespace panshi;
using namespace panshi::shop;

namespace {
const std::array<Priority, kPriorities> kAll = {Priority::kPaid, Priority::kPay, Priority::kPlace,
                                                Priority::kBrowse, Priority::kExtra};
int fill(Shedding& shedding, Priority priority, std::int64_t limit) {
  int let_in = 0;
  while (shedding.enter(priority, limit)) ++let_in;
  return let_in;
}
}  // namespace

TEST_CASE("a surge of a lower class leaves places for every class above it") {
  Shedding shedding({});
  CHECK(fill(shedding, Priority::kExtra, 20) == 8);
  CHECK(fill(shedding, Priority::kBrowse, 20) == 2);
  CHECK(fill(shedding, Priority::kPlace, 20) == 2);
  CHECK(fill(shedding, Priority::kPay, 20) == 6);
  CHECK(fill(shedding, Priority::kPaid, 20) == 45);
  CHECK(shedding.inside() == 63);
  for (const Priority priority : kAll) CHECK_FALSE(shedding.enter(priority, 20));
}

TEST_CASE("who has paid takes any place, and the lower classes are then refused") {
  Shedding shedding({.places = 20});
  CHECK(fill(shedding, Priority::kPaid, 20) == 20);
  CHECK_FALSE(shedding.enter(Priority::kExtra, 20));
  for (int i = 0; i < 3; ++i) shedding.leave();
  CHECK_FALSE(shedding.enter(Priority::kBrowse, 20));
  CHECK_FALSE(shedding.enter(Priority::kPlace, 20));
  CHECK(shedding.enter(Priority::kPay, 20));
  CHECK(shedding.shed(Priority::kBrowse) == 1);
  CHECK(shedding.admitted(Priority::kPaid) == 20);
}

TEST_CASE("however small the limit has become, it refuses nobody who has paid") {
  Shedding shedding({.places = 40});
  CHECK(fill(shedding, Priority::kPay, 8) == 7);
  CHECK(fill(shedding, Priority::kPaid, 8) == 33);
  CHECK(shedding.shed(Priority::kPaid) == 1);  // the one after the last place
}

TEST_CASE("even a small limit keeps a place for each class above") {
  const Shedding shedding({});
  for (std::int64_t limit = 5; limit <= 64; ++limit) {
    INFO(limit);
    CHECK(shedding.ceiling(Priority::kPaid, limit) >= limit);
    for (std::size_t i = 1; i < kPriorities; ++i) {
      CHECK(shedding.ceiling(kAll[i], limit) < shedding.ceiling(kAll[i - 1], limit));
      CHECK(shedding.ceiling(kAll[i], limit) >= 1);
    }
  }
}

TEST_CASE("in a random crowd nobody is refused while someone of a lower class would be let in") {
  Random random(7);
  Shedding shedding({});
  for (int i = 0; i < 20'000; ++i) {
    const auto limit = static_cast<std::int64_t>(5 + random.below(60));
    const auto rank = static_cast<std::size_t>(random.below(kPriorities));
    const std::int64_t inside = shedding.inside();
    if (shedding.enter(kAll[rank], limit)) {
      CHECK(inside < shedding.ceiling(kAll[rank], limit));
    } else {
      for (std::size_t lower = rank; lower < kPriorities; ++lower) {
        CHECK(inside >= shedding.ceiling(kAll[lower], limit));
      }
    }
    while (shedding.inside() > 0 && random.chance(50)) shedding.leave();
  }
}
