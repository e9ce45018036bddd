// SPDX-License-Identifier: Apache-2.0
// The promise under test: a fault never outlives its lease, whatever the order of calls.
#include "agents/faults/lease_book.h"

#include <catch2/catch.hpp>

#include "core/base/random.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

constexpr LeaseBook::Limits kLimits{.live_max = 2, .term_max = 60s};

TEST_CASE("a lease that is not renewed expires exactly once") {
  SimClock clock;
  LeaseBook book(kLimits);
  REQUIRE(book.grant("slow-db", 10s, clock.mono()));

  clock.advance(9'999ms);
  CHECK(book.take_expired(clock.mono()).empty());

  clock.advance(1ms);
  CHECK(book.take_expired(clock.mono()) == std::vector<FaultId>{"slow-db"});
  CHECK(book.take_expired(clock.mono()).empty());
}

TEST_CASE("a renewal that comes too late is refused") {
  SimClock clock;
  LeaseBook book(kLimits);
  REQUIRE(book.grant("slow-db", 10s, clock.mono()));
  clock.advance(10s);
  CHECK(book.renew("slow-db", 10s, clock.mono()).error().code == ErrorCode::kNotFound);
}

TEST_CASE("limits hold") {
  SimClock clock;
  LeaseBook book(kLimits);
  CHECK(book.grant("a", 61s, clock.mono()).error().code == ErrorCode::kRefused);
  REQUIRE(book.grant("a", 60s, clock.mono()));
  CHECK(book.grant("a", 60s, clock.mono()).error().code == ErrorCode::kConflict);
  REQUIRE(book.grant("b", 60s, clock.mono()));
  CHECK(book.grant("c", 60s, clock.mono()).error().code == ErrorCode::kRefused);
}

TEST_CASE("wall clock jumps do not matter") {
  SimClock clock;
  LeaseBook book(kLimits);
  REQUIRE(book.grant("a", 10s, clock.mono()));
  clock.jump_wall(Duration(24h));
  CHECK(book.take_expired(clock.mono()).empty());
}

TEST_CASE("random histories never leave an overdue fault behind", "[sim]") {
  const auto seed = GENERATE(range(1, 200));
  INFO("seed " << seed);
  Random random(static_cast<std::uint64_t>(seed));
  SimClock clock;
  LeaseBook book(kLimits);

  for (int step = 0; step < 500; ++step) {
    const FaultId id(1, static_cast<char>('a' + random.below(4)));
    const Duration term(static_cast<std::int64_t>(1 + random.below(80000)));
    switch (random.below(4)) {
      case 0:
        (void)book.grant(id, term, clock.mono());
        break;
      case 1:
        (void)book.renew(id, term, clock.mono());
        break;
      case 2:
        book.release(id);
        break;
      case 3:
        clock.advance(Duration(static_cast<std::int64_t>(random.below(20000))));
        break;
    }
    (void)book.take_expired(clock.mono());
    REQUIRE(book.live() <= kLimits.live_max);
    const auto next = book.next_expiry();
    REQUIRE((!next || *next > clock.mono()));
    REQUIRE((!next || *next <= clock.mono() + kLimits.term_max));
  }
}

}  // namespace
}  // namespace panshi::agent
