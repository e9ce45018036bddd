// SPDX-License-Identifier: Apache-2.0
// The promise under test: what a fault in Redis could not undo, or the cluster not survive, it
// refuses.
#include <catch2/catch.hpp>

#include "agents/faults/fault.h"
#include "agents/faults/redis/cluster.h"
#include "agents/faults/redis/saved_key.h"
#include "tests/unit/agents/faults/fake_host.h"

namespace panshi::agent {
namespace {

std::unique_ptr<Fault> make(const std::string& kind, FakeHost& host,
                            const nlohmann::json& params = nullptr) {
  Problems problems;
  const auto request =
      read_request(**find_kind(kind), "f1", sample_target(kind),
                   params.is_null() ? sample_params(kind, host) : params, problems);
  REQUIRE(problems.empty());
  return (*find_kind(kind))->make(request, host);
}

TEST_CASE("a Redis server that follows nobody is not cut off from a primary") {
  FakeHost host;
  host.redis.follows = false;
  const auto refused = make("redis.replication-break", host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::Contains("is no replica now"));
}

TEST_CASE("a member is killed only where the cluster can go on, unless the order says otherwise") {
  FakeHost host;
  CHECK(make("redis.kill", host)->resolve());  // a replica
  host.redis.follows = false;                  // a primary that nobody follows
  const auto refused = make("redis.kill", host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message,
             Catch::Contains("nobody would be left with the slots of 10.0.0.4:6379"));
  CHECK(make("redis.kill", host, {{"quorum", "lose"}})->resolve());
}

TEST_CASE("never more members are killed than were asked for, and never none in silence") {
  FakeHost host;
  const auto share = make("redis.kill", host, {{"percent", 99}})->resolve();
  REQUIRE_FALSE(share);
  CHECK_THAT(share.error().message, Catch::Contains("99 % of 1 running members is none"));
  const auto two = make("redis.kill", host, {{"count", 2}})->resolve();
  REQUIRE_FALSE(two);
  CHECK_THAT(two.error().message, Catch::Contains("this node has 1 running members, not 2"));
}

TEST_CASE("a cluster needs a majority of its primaries and a copy of every slot") {
  const auto all = read_cluster(
      "a 10.0.0.1:1@2 myself,master - 0 0 1 connected 0-100\n"
      "b 10.0.0.2:1@2,name master - 0 0 2 connected 101-200\n"
      "c 10.0.0.3:1@2 master - 0 0 3 connected 201-300\n"
      "d 10.0.0.4:1@2 slave a 0 0 1 connected\n"
      "e 10.0.0.5:1@2 slave b 0 0 2 connected\n"
      "f 10.0.0.6:1@2 slave,fail c 0 0 3 disconnected\n"
      "nonsense\n");
  REQUIRE(all.size() == 6);
  CHECK(find_self(all)->id == "a");
  CHECK(why_needed(all, {"a"}).empty());
  CHECK(why_needed(all, {"a", "e"}).empty());
  CHECK(why_needed(all, {"a", "b"}) == "1 of 3 primaries would be left, no majority");
  CHECK(why_needed(all, {"a", "d"}) == "nobody would be left with the slots of 10.0.0.1:1");
  CHECK(why_needed(all, {"c"}) == "nobody would be left with the slots of 10.0.0.3:1");
}

TEST_CASE("a failover is of a replica, and with its primary's consent unless it is forced") {
  FakeHost host;
  host.redis.primary_failed = true;
  const auto refused = make("redis.failover", host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK(make("redis.failover", host, {{"force", "yes"}})->resolve());
  host.redis.follows = false;
  const auto primary = make("redis.failover", host)->resolve();
  REQUIRE_FALSE(primary);
  CHECK_THAT(primary.error().message, Catch::Contains("is no replica now"));
}

TEST_CASE("a failover is not undone before the former primary can take over again") {
  FakeHost host;
  const auto failover = make("redis.failover", host);
  const auto resolved = failover->resolve();
  REQUIRE(resolved);
  REQUIRE(failover->apply(*resolved));
  host.redis.primary_failed = true;
  const auto early = failover->revert(*resolved);
  REQUIRE_FALSE(early);
  CHECK(early.error().code == ErrorCode::kUnavailable);
  CHECK_FALSE(host.healthy());
  host.redis.primary_failed = false;
  CHECK(failover->revert(*resolved));
  CHECK(host.healthy());
}

TEST_CASE("a place that was taken without a vote is not called a failover") {
  FakeHost host;
  const auto failover = make("redis.failover", host);
  const auto resolved = failover->resolve();
  REQUIRE(resolved);
  host.redis.unvoted = 99;
  const auto lost = failover->apply(*resolved);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == ErrorCode::kUnavailable);
  CHECK_THAT(lost.error().message, Catch::Contains("without a vote"));
}

TEST_CASE("keys that were written meanwhile are neither expired nor put back") {
  FakeHost host;
  const auto storm = make("redis.expire-keys", host);
  const auto resolved = storm->resolve();
  REQUIRE(resolved);
  host.redis_primary.write_key("cache:a", "newer");
  REQUIRE(storm->apply(*resolved));
  CHECK(host.redis_primary.key("cache:a") == "newer");
  CHECK(host.redis_primary.key("cache:b").empty());
  CHECK(host.redis_primary.key("order:1") == "kept");
  host.redis_primary.write_key("cache:b", "anew");
  REQUIRE(storm->revert(*resolved));
  CHECK(host.redis_primary.key("cache:a") == "newer");
  CHECK(host.redis_primary.key("cache:b") == "anew");
}

TEST_CASE("of the keys a share is expired, at most so many, and the same by the same seed") {
  FakeHost host;
  const auto count = [&](const nlohmann::json& params) {
    return make("redis.expire-keys", host, params)->resolve().value().at("keys").size();
  };
  CHECK(count({{"prefix", "cache:"}, {"percent", 67}}) == 2);
  CHECK(count({{"prefix", "cache:"}, {"most", 1}}) == 1);
  const nlohmann::json two = {{"prefix", "cache:"}, {"most", 2}, {"seed", 7}};
  CHECK(make("redis.expire-keys", host, two)->resolve().value() ==
        make("redis.expire-keys", host, two)->resolve().value());
}

TEST_CASE("keys of a replica are not expired, nor none in silence") {
  FakeHost host;
  const auto why = [&] {
    const auto refused = make("redis.expire-keys", host, {{"prefix", "none:"}})->resolve();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kRefused);
    return refused.error().message;
  };
  CHECK_THAT(why(), Catch::Contains("100 % of the 0 keys that begin so is none"));
  host.redis_primary.follows = true;
  CHECK_THAT(why(), Catch::Contains("is a replica now"));
}

TEST_CASE("a beginning with wildcards means itself") {
  CHECK(pattern_of("a*[b]?\\:") == "a\\*\\[b\\]\\?\\\\:*");
}

}  // namespace
}  // namespace panshi::agent
