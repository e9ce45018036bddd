// SPDX-License-Identifier: Apache-2.0
// The promise under test: on a real Redis server each fault does to clients what it says, and
// afterwards everything is as it was.
#include <catch2/catch.hpp>
#include <thread>

#include "agents/faults/fault.h"
#include "agents/faults/fault_book.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/shop_servers.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

struct Node {
  ShopServers servers{{ShopServers::Server::kRedis}};
  RealHost host;
  TemporaryFolder folder;
  std::unique_ptr<FaultBook> book;

  Node() {
    host.leaders["redis"] = {};
    host.redis = servers.redis();
    book = std::move(*FaultBook::open({.directory = folder / "faults"}, host));
  }
  Result<nlohmann::json> put(const std::string& kind) {
    return book->put({.id = "f1",
                      .epoch = 1,
                      .kind = kind,
                      .target = {{"service", "redis"}},
                      .params = nullptr,
                      .lease = 60s,
                      .drill = {}});
  }
  Result<RedisReply> run(const std::vector<std::string>& command) const {
    return Redis::connect(servers.redis()).value().run(command);
  }
  std::string setting(const std::string& name) const {
    return run({"CONFIG", "GET", name}).value().list.at(1).text;
  }
};

TEST_CASE("clients that write wait while they are paused, readers do not, and all go on after") {
  Node node;
  REQUIRE(node.run({"SET", "key", "1"}));
  const auto live = node.put("redis.pause-clients");
  REQUIRE(live);
  CHECK(live->at("measured").at("paused") == true);
  CHECK(node.run({"SET", "key", "2"}).error().code == ErrorCode::kTimeout);
  CHECK(node.run({"GET", "key"}).value().text == "1");
  const auto reverted = node.book->revert("f1");
  REQUIRE(reverted);
  CHECK(reverted->at("state") == "reverted");
  CHECK(node.run({"SET", "key", "3"}));
  CHECK(node.run({"GET", "key"}).value().text == "3");
}

TEST_CASE("a full server refuses writes, evicts nothing, and is put back to its own settings") {
  Node node;
  REQUIRE(node.run({"CONFIG", "SET", "maxmemory", "50000000"}));
  REQUIRE(node.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-random"}));
  for (int i = 0; i < 100; ++i) REQUIRE(node.run({"SET", cat("key", i), "1"}));
  const auto live = node.put("redis.memory-full");
  REQUIRE(live);
  CHECK(live->at("measured").at("full") == true);
  const auto refused = node.run({"SET", "more", "1"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("OOM") != std::string::npos);
  CHECK(node.run({"GET", "key1"}).value().text == "1");
  REQUIRE(node.book->revert("f1"));
  CHECK(node.run({"DBSIZE"}).value().integer == 100);
  CHECK(node.run({"SET", "more", "1"}));
  CHECK(node.setting("maxmemory") == "50000000");
  CHECK(node.setting("maxmemory-policy") == "allkeys-random");
}

TEST_CASE("keys that were to expire are put back also by a revert within the same millisecond") {
  Node node;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(node.run({"SET", "cache:a", "1"}));
    Problems problems;
    const auto request = read_request(**find_kind("redis.expire-keys"), "f1",
                                      {{"service", "redis"}}, {{"prefix", "cache:"}}, problems);
    const auto expire = (*find_kind("redis.expire-keys"))->make(request, node.host);
    const auto resolved = expire->resolve().value();
    REQUIRE(expire->apply(resolved));
    REQUIRE(expire->revert(resolved));
    std::this_thread::sleep_for(2ms);  // longer than what is left to a key that expires
    CHECK(node.run({"GET", "cache:a"}).value().text == "1");
  }
}

}  // namespace
}  // namespace panshi::agent
