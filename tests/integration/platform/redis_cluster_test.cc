// SPDX-License-Identifier: Apache-2.0
// Promise: whatever moves in a Redis Cluster, the client finds the node that serves a key, never
// repeats by itself what may have been carried out, and goes on after a failover.
#include "core/io/redis_cluster.h"

#include <catch2/catch.hpp>
#include <thread>

#include "core/base/text.h"
#include "tests/support/eventually.h"
#include "tests/support/redis_servers.h"
#include "tests/support/shop_servers.h"

using namespace panshi;
using namespace std::chrono_literals;
using Access = RedisCluster::Access;

namespace {

Result<RedisReply> set(RedisCluster& redis, const std::string& key, const std::string& value,
                       Access access = Access::kRepeatable) {
  return redis.run(key, {"SET", key, value}, access);
}
std::string get(RedisCluster& redis, const std::string& key, Access access = Access::kRepeatable) {
  const auto reply = redis.run(key, {"GET", key}, access);
  return reply ? reply->text : "error: " + reply.error().message;
}
RedisTopology::Shard shard_of(RedisCluster& redis, const std::string& key) {
  return *redis.topology()->shard_of(redis_slot(key));
}

}  // namespace

TEST_CASE("forming is repeatable, hosts are kept apart, and every key finds its node") {
  RedisServers servers;
  const auto before = servers.tell(0, {"CLUSTER", "NODES"});
  REQUIRE(shop::form_redis_cluster(servers.members(), 1, SystemClock().mono() + 30s));
  const auto epoch = [&] {
    const std::string info = servers.tell(0, {"CLUSTER", "INFO"})->text;
    return info.substr(info.find("cluster_current_epoch"), 24);
  };
  const std::string epoch_before = epoch();
  RedisCluster redis(servers.options());
  for (int i = 0; i < 200; ++i) REQUIRE(set(redis, cat("key", i), cat(i)));
  for (int i = 0; i < 200; ++i) CHECK(get(redis, cat("key", i)) == cat(i));
  CHECK(redis.topology()->is_whole());
  CHECK(redis.topology()->shards().size() == 3);
  for (const auto& shard : redis.topology()->shards()) {
    REQUIRE(shard.replicas.size() == 1);
    CHECK(servers.members()[servers.index_of(shard.master)].host !=
          servers.members()[servers.index_of(shard.replicas[0])].host);
  }
  CHECK(epoch() == epoch_before);
  CHECK(redis.eval("return 1", {"a{x}", "b{x}"}, {}, Access::kWrite)->integer == 1);
  CHECK(redis.eval("return 1", {"a", "b"}, {}, Access::kWrite).error().code == ErrorCode::kInvalid);
  CHECK(redis.run("k", {"NONSENSE"}, Access::kWrite).error().code == ErrorCode::kRefused);
}

TEST_CASE("a replica answers reads that allow it, and the master when the replica is away") {
  RedisServers servers;
  RedisCluster redis(servers.options());
  REQUIRE(set(redis, "k", "v"));
  const auto shard = shard_of(redis, "k");
  const std::size_t replica = servers.index_of(shard.replicas[0]);
  CHECK(eventually([&] { return get(redis, "k", Access::kReplica) == "v"; }));
  const auto reads = [&](const std::string& address) {
    const std::string stats =
        servers.tell(servers.index_of(address), {"INFO", "commandstats"})->text;
    const auto at = stats.find("cmdstat_get:calls=");
    return at == std::string::npos ? 0 : std::stoi(stats.substr(at + 18));
  };
  const int at_master = reads(shard.master);
  for (int i = 0; i < 10; ++i) CHECK(get(redis, "k", Access::kReplica) == "v");
  CHECK(reads(shard.master) == at_master);
  CHECK(reads(shard.replicas[0]) >= 10);
  servers.kill(replica);
  CHECK(get(redis, "k", Access::kReplica) == "v");
}

TEST_CASE("a slot that is being moved is asked for at both ends, and learned when it has moved") {
  RedisServers servers;
  RedisCluster redis(servers.options());
  REQUIRE(set(redis, "{m}old", "1"));
  const int slot = redis_slot("{m}");
  const std::size_t from = servers.index_of(shard_of(redis, "{m}").master);
  std::size_t to = from;
  for (const auto& shard : redis.topology()->shards()) {
    if (servers.index_of(shard.master) != from) to = servers.index_of(shard.master);
  }
  const auto id = [&](std::size_t node) { return servers.tell(node, {"CLUSTER", "MYID"})->text; };
  const auto set_slot = [&](std::size_t node, const std::string& what, const std::string& which) {
    REQUIRE(servers.tell(node, {"CLUSTER", "SETSLOT", cat(slot), what, which}));
  };
  set_slot(to, "IMPORTING", id(from));
  set_slot(from, "MIGRATING", id(to));
  CHECK(get(redis, "{m}old") == "1");  // still where it was
  REQUIRE(set(redis, "{m}new", "2"));  // ASK: only the new owner may make it
  CHECK(get(redis, "{m}new") == "2");
  const auto script =
      redis.eval("return redis.call('GET', KEYS[1])", {"{m}new"}, {}, Access::kRepeatable);
  REQUIRE(script);
  CHECK(script->text == "2");
  CHECK(servers.index_of(shard_of(redis, "{m}").master) == from);  // ASK is not learned

  const auto& target = servers.members()[to];
  REQUIRE(servers.tell(
      from, {"MIGRATE", target.host, target.address.substr(target.address.rfind(':') + 1), "{m}old",
             "0", "1000"}));
  CHECK(get(redis, "{m}old") == "1");
  set_slot(to, "NODE", id(to));
  set_slot(from, "NODE", id(to));
  CHECK(get(redis, "{m}old") == "1");
  CHECK(servers.index_of(shard_of(redis, "{m}").master) == to);
}

TEST_CASE("keys of one script at both ends of a move are tried again, then said to be away") {
  RedisServers servers;
  RedisCluster redis(servers.options());
  REQUIRE(set(redis, "{m}old", "1"));
  const int slot = redis_slot("{m}");
  const std::size_t from = servers.index_of(shard_of(redis, "{m}").master);
  const std::size_t to = (from + 1) % 3;  // the first three are the masters
  const auto id = [&](std::size_t node) { return servers.tell(node, {"CLUSTER", "MYID"})->text; };
  REQUIRE(servers.tell(to, {"CLUSTER", "SETSLOT", cat(slot), "IMPORTING", id(from)}));
  REQUIRE(servers.tell(from, {"CLUSTER", "SETSLOT", cat(slot), "MIGRATING", id(to)}));
  const auto both = redis.eval("return 1", {"{m}old", "{m}absent"}, {}, Access::kWrite);
  REQUIRE_FALSE(both);
  CHECK(both.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("after a master is killed its replica takes over and the client goes on") {
  RedisServers servers;
  RedisCluster redis(servers.options());
  REQUIRE(set(redis, "k", "before"));
  REQUIRE(eventually([&] { return get(redis, "k", Access::kReplica) == "before"; }));
  const auto shard = shard_of(redis, "k");
  servers.kill(servers.index_of(shard.master));
  CHECK(get(redis, "k", Access::kAnyone) == "before");  // nobody waits for the failover to read
  const auto refused = set(redis, "k", "during", Access::kWrite);
  if (!refused) CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(eventually([&] { return set(redis, "k", "after").has_value(); }));
  CHECK(get(redis, "k") == "after");
  CHECK(shard_of(redis, "k").master == shard.replicas[0]);
  for (int i = 0; i < 50; ++i) CHECK(set(redis, cat("other", i), "x"));

  servers.start(servers.index_of(shard.master));  // comes back as a replica
  CHECK(eventually([&] {
    (void)redis.refresh();
    const auto now = shard_of(redis, "k");
    return now.replicas == std::vector<std::string>{shard.master} &&
           get(redis, "k", Access::kReplica) == "after";
  }));
}

TEST_CASE("a write to a frozen master is not known, and is not sent again by itself") {
  RedisServers servers;
  RedisCluster redis(servers.options());
  REQUIRE(redis.run("n", {"INCR", "n"}, Access::kWrite));
  const std::size_t master = servers.index_of(shard_of(redis, "n").master);
  for (std::size_t i = 0; i < RedisServers::kCount; ++i) {  // no failover while it is frozen
    REQUIRE(servers.tell(i, {"CONFIG", "SET", "cluster-node-timeout", "60000"}));
  }
  servers.pause(master);
  const auto unknown = redis.run("n", {"INCR", "n"}, Access::kWrite);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == ErrorCode::kTimeout);
  const auto next = redis.run("n", {"INCR", "n"}, Access::kWrite);
  CHECK((next || next.error().code == ErrorCode::kUnavailable));  // nobody waits there again
  servers.resume(master);
  CHECK(eventually([&] { return get(redis, "n") == "2"; }));
  CHECK(eventually([&] { return redis.run("n", {"INCR", "n"}, Access::kWrite).has_value(); }));
  CHECK(get(redis, "n") == "3");
}

TEST_CASE("one server that is no cluster is served too, from the links to it") {
  ShopServers servers({ShopServers::Server::kRedis});
  const std::string real = cat(servers.address(), ":", ShopServers::kRedisPort);
  RedisCluster redis({.seeds = {"127.0.0.1:1"}, .via = {{"127.0.0.1:1", real}}});
  REQUIRE(set(redis, "a", "1"));
  CHECK(get(redis, "a", Access::kReplica) == "1");
  CHECK_FALSE(redis.topology()->is_cluster());
  servers.kill(ShopServers::Server::kRedis);
  CHECK(set(redis, "a", "2", Access::kWrite).error().code == ErrorCode::kUnavailable);
  servers.start(ShopServers::Server::kRedis);
  CHECK(eventually([&] { return set(redis, "a", "3").has_value(); }));
}
