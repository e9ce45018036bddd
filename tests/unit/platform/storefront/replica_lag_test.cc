// SPDX-License-Identifier: Apache-2.0
// Promise: a replica is never taken for fresher than it was seen to be.
#include "platform/storefront/model/replica_lag.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;

namespace {

MonoTime at(int ms) { return MonoTime{} + std::chrono::milliseconds(ms); }
GtidPosition position(std::uint64_t sequence) { return {{0, sequence}}; }

}  // namespace

TEST_CASE("GTID positions are read by domain, and nonsense is refused") {
  CHECK(parse_gtid("0-11-1234,2-7-5").value() == GtidPosition{{0, 1'234}, {2, 5}});
  CHECK(parse_gtid("").value().empty());
  for (const char* bad : {"x", "0-1", "0-1-2-3", "0-1-x", ","}) CHECK_FALSE(parse_gtid(bad));
}

TEST_CASE("what a replica shows is as old as the last question it has the answer of") {
  ReplicaLag lag;
  CHECK_FALSE(lag.staleness(at(0)));
  lag.primary_was_at(position(10), at(100));
  lag.replica_is_at(position(9));
  CHECK_FALSE(lag.staleness(at(150)));
  lag.replica_is_at(position(10));
  CHECK(lag.staleness(at(150)) == std::chrono::milliseconds(50));
}

TEST_CASE("a replica that stands still grows old, and is fresh again when it caught up") {
  ReplicaLag lag;
  lag.primary_was_at(position(10), at(100));
  lag.replica_is_at(position(10));
  for (int i = 2; i <= 200; ++i) {
    lag.primary_was_at(position(static_cast<std::uint64_t>(10 * i)), at(100 * i));
    lag.replica_is_at(position(10));
  }
  CHECK(lag.staleness(at(20'000)) == std::chrono::milliseconds(19'900));
  lag.replica_is_at(position(1'990));
  CHECK(lag.staleness(at(20'000)) == std::chrono::milliseconds(100));
}

TEST_CASE("while its primary cannot be asked a replica grows old, whatever it has") {
  ReplicaLag lag;
  lag.primary_was_at(position(10), at(100));
  lag.replica_is_at(position(10));
  lag.replica_is_at(position(10));
  CHECK(lag.staleness(at(5'100)) == std::chrono::seconds(5));
}

TEST_CASE("a domain of which the replica has nothing is not there yet") {
  ReplicaLag lag;
  lag.primary_was_at({{0, 10}, {1, 1}}, at(100));
  lag.replica_is_at(position(10));
  CHECK_FALSE(lag.staleness(at(200)));
}
