// SPDX-License-Identifier: Apache-2.0
// The promise under test: on a real Redis server each fault does to clients what it says, and
// afterwards everything is as it was.
#include <catch2/catch.hpp>
#include <thread>

#include "agents/faults/fault.h"
#include "agents/faults/fault_book.h"
#include "agents/faults/redis/commands.h"
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
  Result<nlohmann::json> put(const std::string& kind, const std::string& id = "f1",
                             const nlohmann::json& params = nullptr) {
    return book->put({.id = id,
                      .epoch = 1,
                      .kind = kind,
                      .target = {{"service", "redis"}},
                      .params = params,
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

// What the only account of the server may run.
class Limited {
 public:
  explicit Limited(const Node& node) : boss_(Redis::connect(node.servers.redis()).value()) {
    REQUIRE(boss_.run({"ACL", "SETUSER", "boss", "on", ">boss", "~*", "&*", "+@all"}));
    REQUIRE(boss_.run({"AUTH", "boss", "boss"}));
    give({"reset", "on", "nopass", "~*", "+acl|whoami", "+acl|dryrun"});
  }
  void give(const std::vector<std::string>& rules) {
    std::vector<std::string> command = {"ACL", "SETUSER", "default"};
    command.insert(command.end(), rules.begin(), rules.end());
    REQUIRE(boss_.run(command));
  }

 private:
  Redis boss_;
};

TEST_CASE("every command that a kind names is one that the server knows, and asks about") {
  Node node;
  const Limited account(node);
  const auto session = node.host.open_redis("redis").value();
  for (const FaultKindSpec& kind : fault_kind_specs()) {
    if (!std::string_view(kind.name).starts_with("redis.")) continue;
    INFO(kind.name);
    const auto wanted = commands_in(kind.needs);
    CHECK_FALSE(wanted.empty());
    CHECK(missing_commands(*session, "default", wanted).size() == wanted.size());
  }
}

TEST_CASE("with the commands that its kind names, and no others, a fault works and is undone") {
  Node node;
  REQUIRE(node.run({"SET", "cache:a", "1"}));
  Limited account(node);
  const auto session = node.host.open_redis("redis").value();
  for (const char* kind : {"redis.expire-keys", "redis.memory-full", "redis.pause-clients"}) {
    INFO(kind);
    const auto wanted = commands_in(find_fault_kind(kind)->needs);
    const nlohmann::json params =
        kind == std::string("redis.expire-keys") ? nlohmann::json{{"prefix", "cache:"}} : nullptr;
    // Twice: that it may not use a channel is told of who may publish.
    for (auto lacks = missing_commands(*session, "default", wanted); !lacks.empty();
         lacks = missing_commands(*session, "default", wanted)) {
      const auto refused = node.put(kind, cat("without-", kind), params);
      REQUIRE_FALSE(refused);
      CHECK_THAT(refused.error().message,
                 Catch::Contains(cat("account default of redis lacks ", join(lacks, ", "))));
      std::vector<std::string> rules;
      for (const std::string& missing : lacks) rules.push_back(acl_rule(missing));
      account.give(rules);
    }
    const auto live = node.put(kind, kind, params);
    REQUIRE(live);
    CHECK(shows_effect(*find_fault_kind(kind), live->at("measured")));
    const auto reverted = node.book->revert(kind);
    REQUIRE(reverted);
    CHECK(reverted->at("state") == "reverted");
    account.give({"-@all", "resetchannels", "+acl|whoami", "+acl|dryrun"});
  }
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
