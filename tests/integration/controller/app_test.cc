// SPDX-License-Identifier: Apache-2.0
// Promise: an effect reaches its agent with the epoch and ends in one outcome, events reach the
// journal once, readers are woken, and an orderly stop reverts what is in force.
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/integration/controller/running.h"

namespace panshi::controller {
namespace {

TEST_CASE("an injection reaches the agent with the epoch and its outcome the journal") {
  const TemporaryFolder folder;
  const FakeAgent agent("keys-1", folder.path());
  const Running controller(folder, agent);
  REQUIRE(controller.sees("agent.up"));
  CHECK(controller.call("POST", "/api/v1/faults", "{}").at("fault") == "f-1");
  REQUIRE(controller.sees("effect.done"));
  CHECK(controller.events("effect.done").at(0).at("outcome") == "ok");
  REQUIRE(agent.calls("/v1/faults/f-1").size() == 1);
  CHECK(agent.calls("/v1/faults/f-1").at(0).body.at("epoch") == 1);
}

TEST_CASE("an agent that hangs makes the outcome unknown, one that refuses makes it failed") {
  const TemporaryFolder folder;
  std::atomic<bool> over{false};
  std::atomic<bool> refuse{false};
  const FakeAgent agent("keys-1", folder.path(), [&](const std::string&) {
    if (refuse) return error_response({ErrorCode::kRefused, "not on my node"});
    while (!over) std::this_thread::sleep_for(5ms);
    return HttpResponse{.status = 500, .body = "{}"};
  });
  const Running controller(folder, agent);
  REQUIRE(controller.sees("agent.up"));
  (void)controller.call("POST", "/api/v1/faults", R"({"timeout_ms": 600})");
  CHECK(controller.sees("effect.done"));
  CHECK(controller.events("effect.done").at(0).at("outcome") == "unknown");
  over = refuse = true;
  (void)controller.call("POST", "/api/v1/faults", "{}");
  CHECK(controller.sees("effect.done", 2));
  CHECK(controller.events("effect.done").at(1).at("outcome") == "failed");
  CHECK(controller.events("effect.done").at(1).at("detail") == "not on my node");
}

TEST_CASE("an agent whose token is not there yet is met once it is") {
  const TemporaryFolder folder;
  FakeAgent agent("keys-1", folder.path());
  std::filesystem::remove(agent.token_file());
  const Running controller(folder, agent);
  (void)controller.call("POST", "/api/v1/faults", R"({"timeout_ms": 600})");
  REQUIRE(controller.sees("effect.done"));
  CHECK(controller.events("effect.done").at(0).at("outcome") == "failed");
  CHECK(controller.events("agent.up").empty());
  agent.write_token();
  CHECK(controller.sees("agent.up"));
}

TEST_CASE("all agents are asked at once, so that one that is slow keeps nobody waiting") {
  const TemporaryFolder folder;
  std::mutex mutex;
  std::condition_variable all_are_asked;
  std::size_t asked = 0;
  std::vector<std::unique_ptr<FakeAgent>> agents;
  std::map<std::string, const FakeAgent*> nodes;
  for (const char* node : {"keys-1", "keys-2", "keys-3"}) {
    agents.push_back(std::make_unique<FakeAgent>(node, folder.path()));
    // None answers before the last one is asked.
    agents.back()->on_kinds([&] {
      std::unique_lock lock(mutex);
      ++asked;
      all_are_asked.notify_all();
      all_are_asked.wait_for(lock, 10s, [&] { return asked == nodes.size(); });
      return nlohmann::json{"process.pause"};
    });
    nodes[node] = agents.back().get();
  }
  const Running controller(folder, nodes);
  const auto answer = controller.call("GET", "/api/v1/fault-kinds");
  REQUIRE(answer.at("nodes").size() == 3);
  for (const auto& node : answer.at("nodes")) {
    INFO(node);
    CHECK(node.contains("kinds"));
  }
}

TEST_CASE("a reader that waits is woken by the next event, and only by one of its drill's") {
  const TemporaryFolder folder;
  FakeAgent agent("keys-1", folder.path());
  const Running controller(folder, agent);
  REQUIRE(controller.sees("agent.up"));
  const auto last = controller.call("GET", "/api/v1/events").at("next").get<std::int64_t>();
  nlohmann::json woken;
  std::thread reader(
      [&] { woken = controller.call("GET", cat("/api/v1/events?wait_ms=10000&after=", last)); });
  agent.say("service.exited", {{"service", "a"}});
  reader.join();
  REQUIRE(woken.at("events").size() == 1);
  CHECK(woken.at("events").at(0).at("kind") == "service.exited");
  const auto none = controller.call("GET", "/api/v1/events?wait_ms=50&drill=d-9");
  CHECK(none.at("events").empty());
  CHECK(none.at("next") == last + 1);
}

TEST_CASE("an event is journaled once, also when the controller was away as it happened") {
  const TemporaryFolder folder;
  FakeAgent agent("keys-1", folder.path());
  {
    Running controller(folder, agent);
    REQUIRE(controller.sees("agent.up"));
    agent.say("service.exited", {{"n", 1}});
    REQUIRE(controller.sees("service.exited"));
    REQUIRE(controller.stop());
  }
  agent.say("service.exited", {{"n", 2}});
  const Running controller(folder, agent);
  REQUIRE(controller.sees("agent.up", 2));
  const auto exits = controller.events("service.exited");
  REQUIRE(exits.size() == 2);
  CHECK(exits.at(1).at("n") == 2);
  CHECK(agent.calls("/v1/poll").back().body.at("epoch") == 2);
}

TEST_CASE("an orderly stop reverts what is in force and says so in the journal") {
  const TemporaryFolder folder;
  FakeAgent agent("keys-1", folder.path());
  {
    Running controller(folder, agent);
    REQUIRE(controller.sees("agent.up"));
    REQUIRE(controller.stop());
  }
  CHECK(agent.calls("/v1/revert-all").size() == 1);
  const Running again(folder, agent);
  REQUIRE(again.sees("controller.started", 2));
  CHECK(again.events("effect.done").at(0).at("outcome") == "ok");
  CHECK(again.events("controller.stopped").size() == 1);
}

}  // namespace
}  // namespace panshi::controller
