// SPDX-License-Identifier: Apache-2.0
// Promise: services run while the agent says so, whoever crashes; and nothing is left when it ends.
#include <signal.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr const char* kTwo = R"(
services:
  - name: shop
    command: [/bin/sh, -c, "(trap '' TERM; exec sleep 1000) & echo selling; exec sleep 1001"]
    after: [database]
  - name: database
    prepare: [[/bin/sh, -c, "echo prepared >> {folder}/prepared"]]
    command: [/bin/sleep, "1000"]
    restart: {backoff: 20ms}
)";

pid_t pid_of(TestAgent& agent, const std::string& service) {
  return agent.service(service).value("pid", 0);
}

TEST_CASE("services are prepared once, start in order, and all end with the agent") {
  TestAgent agent(kTwo);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const std::string log = agent.log();
  CHECK(log.find(R"(service.ready {"pid":)") < log.find(R"("service":"shop")"));
  CHECK(eventually([&] {
    return read_file(agent.folder() / "state/logs/shop.log").value_or("") == "selling\n";
  }));
  CHECK(agent.everything().size() == 5);  // agent, guardian, shop with a stubborn child, database
  CHECK(agent.stop());
  CHECK(agent.everything().empty());

  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(read_file(agent.folder() / "prepared").value() == "prepared\n");
}

TEST_CASE("the end of a service is an event, and it is started again") {
  TestAgent agent(kTwo);
  agent.start();
  REQUIRE(agent.becomes("database", "ready"));
  const pid_t pid = pid_of(agent, "database");
  ::kill(pid, SIGKILL);
  const json event = agent.await_event("service.exited", "database");
  CHECK(event == json{{"service", "database"}, {"pid", pid}, {"code", -1}, {"signal", SIGKILL}});
  CHECK(agent.await_event("service.ready", "database").at("pid") != pid);
  CHECK(agent.service("database").at("restarts") == 1);
}

TEST_CASE("a service that cannot stay up is given up, and its log is named") {
  TestAgent agent(R"(
services:
  - name: broken
    command: [/bin/sh, -c, "echo no such disk; exit 7"]
    restart: {backoff: 1ms, backoff_max: 2ms, give_up_after: 3}
)");
  agent.start();
  const json event = agent.await_event("service.gave_up", "broken");
  REQUIRE(event.is_object());
  CHECK(event.at("restarts") == 3);
  CHECK_THAT(agent.log(), Catch::Contains("ended with code 7, given up; its log: ") &&
                              Catch::Contains("state/logs/broken.log"));
}

TEST_CASE("a killed agent is back by itself and adopts its services") {
  TestAgent agent(kTwo, true);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t first = agent.pid();
  const pid_t shop = pid_of(agent, "shop");
  const pid_t database = pid_of(agent, "database");
  agent.signal(SIGKILL);
  REQUIRE(eventually([&] { return agent.pid() != 0 && agent.pid() != first; }));
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(pid_of(agent, "shop") == shop);
  CHECK(pid_of(agent, "database") == database);
  CHECK(agent.await_event("agent.started", "").at("adopted") == json{"shop", "database"});

  ::kill(database, SIGKILL);  // an adopted one is watched like any other
  CHECK(agent.await_event("service.exited", "database").at("pid") == database);
  CHECK(agent.await_event("service.ready", "database").at("pid") != database);
  CHECK(agent.stop());
}

TEST_CASE("what was launched but not yet recorded when the agent died is adopted too") {
  TestAgent agent(kTwo);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t shop = pid_of(agent, "shop");
  agent.signal(SIGKILL);
  // Once the guardian has reverted: the shop with its child, and the database.
  REQUIRE(eventually([&] { return agent.pid() == 0 && agent.everything().size() == 3; }));
  std::filesystem::remove(agent.folder() / "state/services/shop.json");
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(pid_of(agent, "shop") == shop);
}

TEST_CASE("an action restarts, stops and starts a service, each once") {
  TestAgent agent(kTwo);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t first = pid_of(agent, "database");
  const auto act = [&](const std::string& id, const std::string& kind) {
    const json body = {{"epoch", 1},
                       {"kind", kind},
                       {"params", {{"service", "database"}}},
                       {"timeout_ms", 10'000}};
    CHECK(agent.call("PUT", "/v1/actions/" + id, body).status / 100 == 2);
    REQUIRE(eventually(
        [&] { return agent.call("GET", "/v1/actions/" + id).json.at("state") != "running"; }));
    return agent.call("PUT", "/v1/actions/" + id, body).json.at("state");
  };
  CHECK(act("a1", "restart") == "ok");
  const pid_t second = pid_of(agent, "database");
  CHECK(second != first);
  CHECK(act("a1", "restart") == "ok");
  CHECK(pid_of(agent, "database") == second);
  CHECK(act("a2", "stop") == "ok");
  CHECK(agent.service("database").at("state") == "stopped");
  CHECK(act("a3", "start") == "ok");
  CHECK(agent.service("database").at("state") == "ready");
}

TEST_CASE("a second agent with the same state is refused and names the first") {
  TestAgent agent(kTwo);
  agent.start();
  const Ended second = agent.run({"--config", "{config}"});
  CHECK(second.code == 1);
  CHECK_THAT(second.output, Catch::Contains(std::to_string(agent.pid())));
  CHECK(agent.becomes("shop", "ready"));
}

}  // namespace
}  // namespace panshi::agent
