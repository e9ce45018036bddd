// SPDX-License-Identifier: Apache-2.0
// Promise: through the whole agent, a fault ends with its lease, with a killed agent and with a
// stopped one; links carry, are rerouted and come back.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/hostile_user.h"
#include "tests/support/managed_service.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr const char* kShop = "services:\n  - {name: shop, command: [/bin/sleep, \"1000\"]}\n";

json pause(int lease_ms) {
  return {{"epoch", 1},
          {"kind", "process.pause"},
          {"target", {{"service", "shop"}}},
          {"params", json::object()},
          {"lease_ms", lease_ms},
          {"drill", "d1"}};
}

// Pauses the service and answers with its pid.
pid_t paused(TestAgent& agent, int lease_ms) {
  REQUIRE(agent.becomes("shop", "ready"));
  const auto fault = agent.call("PUT", "/v1/faults/f1", pause(lease_ms));
  CHECK(fault.status == 200);
  CHECK(fault.json.value("state", "") == "live");
  const pid_t pid = agent.service("shop").at("pid");
  CHECK(process_state(pid) == 'T');
  return pid;
}

TEST_CASE("a fault that nobody renews ends with its lease, one that is renewed does not") {
  TestAgent agent(kShop);
  agent.start();
  const pid_t pid = paused(agent, 1'000);
  const json renew = {{"epoch", 1}, {"wait_ms", 20}, {"lease_ms", 1'500}, {"renew", {"f1"}}};
  const auto began = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - began < std::chrono::seconds(2)) {
    REQUIRE(agent.call("POST", "/v1/poll", renew).status == 200);
  }
  CHECK(process_state(pid) == 'T');
  CHECK(agent.await_event("fault.reverted", "").at("reason") == "lease");
  CHECK(process_state(pid) == 'S');
}

TEST_CASE("a killed agent's faults are reverted by its successor") {
  TestAgent agent(kShop, true);
  agent.start();
  const pid_t pid = paused(agent, 60'000);
  agent.signal(SIGKILL);
  CHECK(eventually([&] { return process_state(pid) == 'S'; }));
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(agent.await_event("agent.started", "").at("recovered") == json{"f1"});
  CHECK(agent.service("shop").at("pid") == pid);
}

TEST_CASE("a killed agent's faults are reverted also when nothing restarts it") {
  TestAgent agent(kShop);
  agent.start();
  const pid_t pid = paused(agent, 60'000);
  agent.signal(SIGKILL);
  CHECK(eventually([&] { return process_state(pid) == 'S'; }));
  CHECK(eventually([&] { return agent.everything() == std::vector<pid_t>{pid}; }));
  CHECK(agent.run({"fsck", "--config", "{config}"}).code == 0);
}

TEST_CASE("a frozen agent's faults end, and an agent is there again") {
  const bool restart_after_crash = GENERATE(true, false);  // it had not crashed
  TestAgent agent(kShop, restart_after_crash);
  agent.start();
  const pid_t pid = paused(agent, 1'000);
  const pid_t frozen = agent.pid();
  agent.signal(SIGSTOP);
  CHECK(eventually([&] { return process_state(pid) == 'S'; }));
  CHECK(eventually([&] { return agent.pid() != 0 && agent.pid() != frozen; }));
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(agent.await_event("agent.started", "").at("recovered") == json{"f1"});
  CHECK(agent.service("shop").at("pid") == pid);
}

TEST_CASE("agent and guardian both frozen are brought back by who waits for the agent's word") {
  TestAgent agent(kShop, true);
  ManagedService manager(agent.program(), agent.environment(), std::chrono::seconds(4));
  REQUIRE(manager.is_ready());
  const pid_t pid = paused(agent, 1'000);
  const pid_t frozen = agent.pid();
  for (const pid_t each : agent.guardians()) ::kill(each, SIGSTOP);
  agent.signal(SIGSTOP);
  CHECK(eventually([&] { return process_state(pid) == 'S'; }));
  CHECK(eventually([&] { return agent.pid() != 0 && agent.pid() != frozen; }));
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(agent.call("GET", "/v1/faults").json.at("faults").at(0).at("reason") == "agent_start");
  CHECK(manager.starts() == 2);
}

TEST_CASE("agent and guardian both dead are brought back by who started the agent") {
  TestAgent agent(kShop, true);
  ManagedService manager(agent.program(), agent.environment(), std::chrono::seconds(4));
  REQUIRE(manager.is_ready());
  const pid_t pid = paused(agent, 60'000);
  for (const pid_t each : agent.guardians()) ::kill(each, SIGKILL);
  agent.signal(SIGKILL);
  CHECK(eventually([&] { return process_state(pid) == 'S'; }));
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(agent.call("GET", "/v1/faults").json.at("faults").at(0).at("reason") == "agent_start");
}

TEST_CASE("an agent that stops in good order tells so, and is not started again") {
  TestAgent agent(kShop, true);
  ManagedService manager(agent.program(), agent.environment(), std::chrono::seconds(4));
  REQUIRE(manager.is_ready());
  CHECK(agent.stop());
  CHECK(eventually([&] { return manager.is_over(); }));
  CHECK(manager.starts() == 1);
  CHECK(manager.said("STOPPING=1"));
}

TEST_CASE("what somebody stopped goes on when an agent is told to clear what is left over") {
  TestAgent agent(kShop);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t pid = agent.service("shop").at("pid");
  ::kill(pid, SIGSTOP);
  const auto cleared = agent.call("POST", "/v1/fsck/clear", {{"epoch", 1}});
  INFO(cleared.json);
  REQUIRE(cleared.status == 200);
  CHECK(cleared.json.at("cleared") == json{cat("stopped process ", pid, " of service shop")});
  CHECK(process_state(pid) != 'T');
  CHECK(agent.call("POST", "/v1/fsck/clear", {{"epohc", 1}}).status == 400);
  // The same by the command line, which asks the agent that runs.
  ::kill(pid, SIGSTOP);
  const Ended asked = agent.run({"fsck", "--clear", "--config", "{config}"});
  CHECK(asked.code == 0);
  CHECK(parse_json(asked.output)->at("cleared").size() == 1);
  CHECK(process_state(pid) != 'T');
}

TEST_CASE("who poses as a process of a fault by its environment is not taken for one") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  TestAgent agent(kShop);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  HostileUser stranger(
      {.environment = {"PANSHI_FAULT=f1",
                       cat("PANSHI_FAULT_STATE=", (agent.folder() / "state").string())}});
  CHECK(eventually([&] { return stranger.poses(); }));
  CHECK(agent.left() == std::vector<std::string>());
  const auto live = agent.call("PUT", "/v1/faults/f1",
                               {{"epoch", 1},
                                {"kind", "resource.memory"},
                                {"target", {{"node", "test"}}},
                                {"params", {{"size", "16MiB"}}},
                                {"lease_ms", 60'000}});
  INFO(live.json);
  REQUIRE(live.json.at("state") == "live");
  const auto reverted = agent.call("POST", "/v1/faults/f1/revert", {{"epoch", 1}});
  CHECK(reverted.json.at("state") == "reverted");
  CHECK(stranger.poses());
}

TEST_CASE("what a dead agent's service was left with is cleared by hand") {
  TestAgent agent(kShop);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t pid = agent.service("shop").at("pid");
  agent.signal(SIGKILL);
  CHECK(eventually([&] { return agent.everything() == std::vector<pid_t>{pid}; }));
  ::kill(pid, SIGSTOP);
  CHECK(eventually([&] { return process_state(pid) == 'T'; }));
  const Ended cleared = agent.run({"fsck", "--clear", "--config", "{config}"});
  CHECK_THAT(cleared.output, Catch::Contains(cat("stopped process ", pid, " of service shop")));
  CHECK(process_state(pid) != 'T');
}

TEST_CASE("a process that was paused under a state folder that is lost is found, not called over") {
  TestAgent agent(kShop);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t pid = paused(agent, 60'000);
  const pid_t died = agent.pid();
  for (const pid_t each : agent.guardians()) ::kill(each, SIGKILL);
  ::kill(died, SIGKILL);
  REQUIRE(eventually([&] { return agent.pid() == 0; }));
  std::filesystem::remove_all(agent.folder() / "state");
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  REQUIRE(process_state(pid) == 'T');
  const auto cleared = agent.call("POST", "/v1/faults/f/clear",
                                  {{"epoch", 1},
                                   {"kind", "process.pause"},
                                   {"target", {{"service", "shop"}}},
                                   {"params", json::object()}});
  INFO(cleared.json);
  CHECK(cleared.json.at("state") == "left");
  CHECK_THAT(cleared.json.dump(), Catch::Contains(cat("kill -CONT ", pid)));
  CHECK_THAT(agent.run({"fsck", "--config", "{config}"}).output,
             Catch::Contains(cat("stopped process ", pid)));
  ::kill(pid, SIGKILL);
}

TEST_CASE("an agent that is stopped reverts its faults and leaves nothing") {
  TestAgent agent(kShop);
  agent.start();
  paused(agent, 60'000);
  // What is in force is no leftover: the agent that runs is asked.
  CHECK_THAT(agent.run({"fsck", "--config", "{config}"}).output,
             Catch::Contains("\"leftovers\": []"));
  CHECK(agent.stop());
  CHECK_THAT(agent.run({"fsck", "--config", "{config}"}).output,
             Catch::Contains("\"leftovers\": []"));
}

TEST_CASE("a link carries to the upstream in use, an action reroutes it, and a fault cuts it") {
  TestAgent one(kShop);
  TestAgent two(kShop);
  one.start();
  two.start();
  TestAgent carrier(cat(R"(
links:
  - name: shop
    listen: "{address}:27701"
    upstreams:
      - {name: one, address: ")",
                        one.address(), ":", one.port(), R"("}
      - {name: two, address: ")",
                        two.address(), ":", two.port(), "\"}\n"));
  carrier.start();
  HttpClient client;
  HttpCall call;
  call.url = cat("http://", carrier.address(), ":27701/v1/status");
  // Each agent answers only calls for its own address, with its own token.
  const auto reaches = [&](const TestAgent& agent) {
    call.headers = {{"Host", cat(agent.address(), ":", agent.port())}};
    call.token = agent.token();
    const auto reply = client.send(call);
    return reply && reply->status == 200;
  };
  CHECK(reaches(one));
  CHECK_FALSE(reaches(two));
  const json reroute = {{"epoch", 1},
                        {"kind", "reroute"},
                        {"params", {{"link", "shop"}, {"to", "two"}, {"established", "reset"}}},
                        {"timeout_ms", 1'000}};
  CHECK(carrier.call("PUT", "/v1/actions/r", reroute).json.at("result") ==
        json{{"from", "one"}, {"to", "two"}});
  CHECK(reaches(two));
  CHECK(carrier.await_event("link.rerouted", "").at("how") == "reset");

  const json cut = {{"epoch", 1},
                    {"kind", "link.down"},
                    {"target", {{"link", "shop"}}},
                    {"params", json::object()},
                    {"lease_ms", 60'000}};
  CHECK(carrier.call("PUT", "/v1/faults/cut", cut).json.value("state", "") == "live");
  CHECK_FALSE(reaches(two));
  CHECK(carrier.call("POST", "/v1/revert-all", {{"epoch", 1}, {"reason", "halt"}})
            .json.at("reverted") == json{"cut"});
  CHECK(reaches(two));
}

}  // namespace
}  // namespace panshi::agent
