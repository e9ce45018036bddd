// SPDX-License-Identifier: Apache-2.0
// The promise under test: on a real Redis Cluster each fault does to its members what it says, and
// afterwards everybody has the place and the keys that he had.
#include <catch2/catch.hpp>

#include "agents/faults/fault.h"
#include "agents/faults/fault_book.h"
#include "core/io/redis_slots.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/eventually.h"
#include "tests/support/redis_servers.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct Node {
  RedisServers servers;
  RealHost host;
  TemporaryFolder folder;
  std::unique_ptr<FaultBook> book;
  std::size_t primary = 0;  // of the first slot
  std::size_t replica = 0;

  Node() {
    RedisCluster redis(servers.options());
    REQUIRE(redis.refresh());
    const auto shard = *redis.topology()->shard_of(0);
    primary = servers.index_of(shard.master);
    replica = servers.index_of(shard.replicas.at(0));
    book = std::move(*FaultBook::open({.directory = folder / "faults"}, host));
  }
  // That server is the node's service `redis` from now on.
  void serve(std::size_t index) {
    const std::string& address = servers.members()[index].address;
    const auto port = parse_integer(address.substr(address.rfind(':') + 1)).value();
    host.redis = {.host = servers.members()[index].host, .port = static_cast<std::uint16_t>(port)};
    host.leaders["redis"] = ProcessName();
  }
  Result<json> put(const std::string& kind, json params = nullptr, std::string id = "f1") {
    const bool of_node = kind == "redis.kill";
    return book->put({.id = std::move(id),
                      .epoch = 1,
                      .kind = kind,
                      .target = of_node ? json{{"node", "here"}} : json{{"service", "redis"}},
                      .params = std::move(params),
                      .lease = 60s,
                      .drill = {}});
  }
  // Whom a server follows, "" when it is a primary, and whether it is up to date with it.
  std::pair<std::string, bool> follows(std::size_t index) const {
    const auto role = servers.tell(index, {"ROLE"}).value();
    if (role.list.at(0).text != "slave") return {"", true};
    return {cat(role.list.at(1).text, ":", role.list.at(2).integer),
            role.list.at(3).text == "connected"};
  }
  const std::string& address(std::size_t index) const { return servers.members()[index].address; }
};

// One that is in the first shard, whatever it begins with.
std::string key_of(const Node& node, const std::string& prefix, int number) {
  for (int i = 0;; ++i) {
    std::string name = cat(prefix, number, ":", i);
    if (node.servers.tell(node.primary, {"EXISTS", name})) return name;
  }
}

TEST_CASE("a replica takes its primary's place, and gives it back") {
  Node node;
  node.serve(node.primary);
  const auto refused = node.put("redis.failover");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  node.serve(node.replica);
  const auto live = node.put("redis.failover");
  REQUIRE(live);
  CHECK(live->at("measured").at("primary") == true);
  CHECK(node.follows(node.replica).first.empty());
  CHECK(eventually([&] { return node.follows(node.primary).first == node.address(node.replica); }));
  CHECK(eventually([&] { return node.book->revert("f1").value().at("state") == "reverted"; }));
  CHECK(node.follows(node.primary).first.empty());
  CHECK(eventually([&] { return node.follows(node.replica).first == node.address(node.primary); }));
}

TEST_CASE("a replica that is cut off falls behind, and follows again with all that was written") {
  Node node;
  node.serve(node.replica);
  const std::string key = key_of(node, "cut:", 0);
  const auto live = node.put("redis.replication-break");
  REQUIRE(live);
  CHECK(live->at("measured").at("linked") == false);
  REQUIRE(node.servers.tell(node.primary, {"SET", key, "1"}));
  CHECK_FALSE(node.follows(node.replica).second);
  const auto reverted = node.book->revert("f1");
  REQUIRE(reverted);
  CHECK(reverted->at("state") == "reverted");
  CHECK(eventually([&] { return node.follows(node.replica).second; }));
  CHECK(eventually([&] {
    const auto copies = node.servers.tell(node.primary, {"WAIT", "1", "1000"});
    return copies && copies->integer == 1;
  }));
  CHECK(node.servers.tell(node.replica, {"CONFIG", "GET", "masterauth"}).value().list.at(1).text ==
        "");
}

// Redis counts the votes of an election again for a while. A place that was taken with them is lost
// again after some 100 ms, to a primary that never heard of it.
TEST_CASE("a failover right after one that was undone is voted for, too") {
  Node node;
  node.serve(node.replica);
  for (const char* id : {"f1", "f2"}) {
    const auto live = node.put("redis.failover", nullptr, id);
    REQUIRE(live);
    CHECK(live->at("measured").at("primary") == true);
    CHECK(
        eventually([&] { return node.follows(node.primary).first == node.address(node.replica); }));
    CHECK(eventually([&] { return node.book->revert(id).value().at("state") == "reverted"; }));
    CHECK(
        eventually([&] { return node.follows(node.replica).first == node.address(node.primary); }));
  }
}

// One more member, without slots, that leads its process group as a supervised service does.
Group newcomer(Node& node) {
  const std::string& host = node.servers.members()[0].host;
  const std::uint16_t port = RedisServers::kPort + 2;
  node.host.redis = {.host = host, .port = port};
  return Group({"/usr/bin/redis-server", "--bind", host, "--port", cat(port), "--dir",
                node.folder.path().string(), "--cluster-enabled", "yes", "--save", "", "--logfile",
                (node.folder / "newcomer.log").string()});
}

TEST_CASE("a member of the cluster is killed, and its supervisor is told to run it again") {
  Node node;
  const Group server = newcomer(node);
  node.host.leaders["redis"] = server.name();
  REQUIRE(eventually([&] { return Redis::connect(*node.host.redis).has_value(); }));
  REQUIRE(node.servers.tell(
      node.primary, {"CLUSTER", "MEET", node.host.redis->host, cat(node.host.redis->port)}));
  const auto met = [&] {
    const auto nodes = Redis::connect(*node.host.redis)->run({"CLUSTER", "INFO"});
    return nodes && nodes->text.find("cluster_known_nodes:7") != std::string::npos;
  };
  REQUIRE(eventually(met));
  const auto live = node.put("redis.kill");
  REQUIRE(live);
  CHECK(live->at("measured").at("effects").at(0).at("met") == true);
  CHECK(eventually([&] { return !Redis::connect(*node.host.redis); }));
  REQUIRE(node.book->revert("f1"));
  CHECK(node.host.started == 1);
}

TEST_CASE("the last copy of some slots is not killed") {
  Node node;
  node.servers.kill(node.replica);
  node.serve(node.primary);
  const auto failing = [&] {
    const auto nodes = node.servers.tell(node.primary, {"CLUSTER", "NODES"});
    return nodes && nodes->text.find("fail ") != std::string::npos;
  };
  REQUIRE(eventually(failing));
  const auto refused = node.put("redis.kill");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("nobody would be left with the slots") != std::string::npos);
  CHECK(node.servers.tell(node.primary, {"PING"}));
}

TEST_CASE("keys that expired in a storm are put back with all they held and their own time") {
  Node node;
  node.serve(node.primary);
  const auto tell = [&](const std::vector<std::string>& command) {
    return node.servers.tell(node.primary, command).value();
  };
  const std::string text = key_of(node, "cache:", 1);
  const std::string hash = key_of(node, "cache:", 2);
  const std::string other = key_of(node, "other:", 3);
  (void)tell({"SET", text, std::string("\0\xff\n", 3), "PX", "3600000"});
  (void)tell({"HSET", hash, "a", "1", "b", "2"});
  (void)tell({"SET", other, "1"});
  const auto ends = tell({"PEXPIRETIME", text}).integer;
  const auto live = node.put("redis.expire-keys", {{"prefix", "cache:"}});
  REQUIRE(live);
  INFO(*live);
  CHECK(live->at("measured").at("effects").at(0).at("asked") == 2);
  CHECK(eventually([&] {
    return tell({
                    "EXISTS",
                    text,
                })
                   .integer +
               tell({"EXISTS", hash}).integer ==
           0;
  }));
  CHECK(tell({"EXISTS", other}).integer == 1);
  REQUIRE(node.book->revert("f1"));
  CHECK(tell({"GET", text}).text == std::string("\0\xff\n", 3));
  CHECK(tell({"PEXPIRETIME", text}).integer == ends);
  CHECK(tell({"HGET", hash, "b"}).text == "2");
  CHECK(tell({"PEXPIRETIME", hash}).integer == -1);
}

TEST_CASE("a key that is written between the look at it and the storm is left alone") {
  Node node;
  node.serve(node.primary);
  const auto tell = [&](const std::vector<std::string>& command) {
    return node.servers.tell(node.primary, command).value();
  };
  const std::string same = key_of(node, "cache:", 1);
  const std::string newer = key_of(node, "cache:", 2);
  for (const std::string& key : {same, newer}) (void)tell({"SET", key, "1"});
  Problems problems;
  const FaultKind& kind = **find_kind("redis.expire-keys");
  const auto storm =
      kind.make(read_request(kind, "f1", {{"service", "redis"}}, {{"prefix", "cache:"}}, problems),
                node.host);
  const auto resolved = storm->resolve();
  REQUIRE(resolved);
  (void)tell({"SET", newer, "2"});
  REQUIRE(storm->apply(*resolved));
  CHECK(eventually([&] { return tell({"EXISTS", same}).integer == 0; }));
  CHECK(tell({"GET", newer}).text == "2");
  REQUIRE(storm->revert(*resolved));
  CHECK(tell({"GET", same}).text == "1");
  CHECK(tell({"GET", newer}).text == "2");
}

}  // namespace
}  // namespace panshi::agent
