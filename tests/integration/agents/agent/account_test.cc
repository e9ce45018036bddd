// SPDX-License-Identifier: Apache-2.0
// Promise: what the account of a server may not do is told when the server is ready, once in a run
// of the agent, and before a fault has touched anything.
#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "core/base/text.h"
#include "core/io/redis.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/secret_file.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr std::uint16_t kPort = 27'379;

constexpr const char* kServer = R"(
services:
  - name: cache
    command: [/usr/bin/redis-server, "{folder}/redis.conf"]
    ready: {kind: tcp, address: "{address}:27379"}
    redis: {host: "{address}", port: 27379}
)";
// Ready when started, and there only a moment later.
constexpr const char* kLateServer = R"(
services:
  - name: cache
    command: [/bin/sh, -c, "sleep 0.5; exec redis-server {folder}/redis.conf"]
    redis: {host: "{address}", port: 27379}
)";

// With one account, as ACL SETUSER takes it.
void start_with(TestAgent& agent, const std::string& account) {
  std::ofstream(agent.folder() / "redis.conf")
      << "bind " << agent.address() << "\nport " << kPort << "\nsave \"\"\ndir "
      << agent.folder().string() << "\nuser default " << account << "\n";
  agent.start();
}

constexpr const char* kLimited = "on nopass ~* &* +@all -config|set -client|unpause";
constexpr const char* kLacks =
    "account default of cache lacks CONFIG SET, CLIENT UNPAUSE; not possible for that: "
    "redis.memory-full, redis.pause-clients, redis.replication-break; "
    "ACL SETUSER default +config|set +client|unpause gives it that";

int times_in_log(const TestAgent& agent, const std::string& text) {
  const std::string log = agent.log();
  int times = 0;
  for (auto at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++times;
  return times;
}

json kind_of(TestAgent& agent, const std::string& name) {
  const json kinds = agent.call("GET", "/v1/faults/kinds").json.at("kinds");
  const auto found = std::find_if(kinds.begin(), kinds.end(),
                                  [&](const json& kind) { return kind.at("name") == name; });
  REQUIRE(found != kinds.end());
  return *found;
}

TEST_CASE("what an account may not run is told at start, in the report, and instead of a fault") {
  TestAgent agent(kServer);
  start_with(agent, kLimited);
  const json told = agent.await_event("account.lacks", "cache");
  REQUIRE(told.is_object());
  CHECK(told.at("account") == "default");
  CHECK(told.at("lacks") == json{"CONFIG SET", "CLIENT UNPAUSE"});
  CHECK(told.at("kinds") ==
        json{"redis.memory-full", "redis.pause-clients", "redis.replication-break"});
  CHECK(told.at("text") == kLacks);
  CHECK(times_in_log(agent, kLacks) == 1);

  const json pause = kind_of(agent, "redis.pause-clients");
  CHECK(pause.at("possible") == false);
  const std::string why =
      "account default of cache lacks CLIENT UNPAUSE; "
      "ACL SETUSER default +client|unpause gives it that";
  CHECK(pause.at("why_not") == why);
  CHECK(kind_of(agent, "redis.expire-keys").at("possible") == true);

  // Without a look before, they would stay paused: the account may pause, and not end it.
  const auto refused = agent.call("PUT", "/v1/faults/f1",
                                  {{"epoch", 1},
                                   {"kind", "redis.pause-clients"},
                                   {"target", {{"service", "cache"}}},
                                   {"params", json::object()},
                                   {"lease_ms", 60'000}});
  CHECK(refused.status == 409);
  CHECK(refused.json.at("error") == why);
  auto client = Redis::connect({.host = agent.address(), .port = kPort});
  REQUIRE(client);
  CHECK(client->run({"SET", "key", "1"}));
}

TEST_CASE("an account is told of once in a run, and by the next run for a server that is ready") {
  TestAgent agent(kServer, true);
  start_with(agent, kLimited);
  REQUIRE(eventually([&] { return times_in_log(agent, kLacks) == 1; }));
  const pid_t first = agent.service("cache").at("pid");
  ::kill(first, SIGKILL);
  REQUIRE(eventually([&] {
    const json service = agent.service("cache");
    return service.at("pid") != first && service.at("state") == "ready";
  }));
  CHECK(kind_of(agent, "redis.memory-full").at("possible") == false);
  CHECK(times_in_log(agent, kLacks) == 1);
  agent.signal(SIGKILL);  // the next one adopts the server
  CHECK(eventually([&] { return times_in_log(agent, kLacks) == 2; }));
}

TEST_CASE("a server that is not there yet is asked again, and has no bad account meanwhile") {
  TestAgent agent(kLateServer);
  start_with(agent, kLimited);
  const json told = agent.await_event("account.lacks", "cache");
  REQUIRE(told.is_object());
  CHECK(told.at("text") == kLacks);
  CHECK_THAT(agent.log(), !Catch::Contains("cannot be used"));
}

TEST_CASE("an account that its server does not let in is told with the server's words alone") {
  const TemporaryFolder folder;
  const auto password = secret_in(folder.path(), "not-right").file().string();
  TestAgent agent(cat(kServer, R"(
  - name: bus
    command: [/usr/sbin/nats-server, -a, "{address}", -p, "27422", --user, chaos, --pass, right]
    ready: {kind: tcp, address: "{address}:27422"}
    nats:
      url: "nats://{address}:27422"
      user: chaos
      password: {secret: )",
                      password, "}\n"));
  start_with(agent, "on >right ~* &* +@all");
  const json bus = agent.await_event("account.lacks", "bus");
  REQUIRE(bus.is_object());
  CHECK(bus.at("account") == "");
  CHECK(bus.at("lacks") == json::array());
  CHECK(bus.at("kinds") == json{"queue.consumer-stall", "queue.fill", "queue.leader-stop"});
  CHECK_THAT(bus.at("text"), Catch::Contains("the account `nats` of bus cannot be used: ") &&
                                 Catch::Contains("Authorization Violation"));
  CHECK(eventually([&] { return times_in_log(agent, "the account `redis` of cache") == 1; }));
  CHECK_THAT(agent.log(), Catch::Contains("NOAUTH") && !Catch::Contains("not-right"));
}

}  // namespace
}  // namespace panshi::agent
