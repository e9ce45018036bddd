// SPDX-License-Identifier: Apache-2.0
// Promise: an effect reaches its agent with the epoch and ends in one outcome, events reach the
// journal once, readers are woken, and an orderly stop reverts what is in force.
#include "controller/app.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/http_client.h"
#include "tests/support/controller/fake_agent.h"
#include "tests/support/controller/fake_brain.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

// Commands `inject` a fault on keys-1; outcomes and agents' events are journaled as they come.
Stepped relay(const Input& input, WallTime now) {
  Stepped stepped;
  if (const auto* command = std::get_if<Command>(&input)) {
    Effect effect;
    effect.id = "e-1";
    effect.kind = "inject";
    effect.node = "keys-1";
    effect.subject = "f-1";
    effect.body = {{"kind", "process.pause"}};
    effect.timeout = 600ms;
    stepped.events.push_back(FakeBrain::event("effect.intended", now, command->body));
    stepped.effects.push_back(effect);
    stepped.answer = nlohmann::json{{"fault", "f-1"}};
  }
  if (const auto* done = std::get_if<EffectDone>(&input)) {
    stepped.events.push_back(FakeBrain::event(
        "effect.done", now, {{"outcome", done->outcome}, {"detail", done->detail}}));
  }
  if (const auto* batch = std::get_if<AgentEvents>(&input)) {
    for (const auto& item : batch->events) {
      stepped.events.push_back(FakeBrain::event(item.kind, item.at, item.data));
    }
  }
  if (std::holds_alternative<AgentState>(input)) {
    stepped.events.push_back(FakeBrain::event("agent.up", now));
  }
  return stepped;
}

// A controller in this process, with a thread of its own for the loop.
class Running {
 public:
  Running(const TemporaryFolder& folder, const FakeAgent& agent)
      : Running(folder, std::map<std::string, const FakeAgent*>{{"keys-1", &agent}}) {}
  Running(const TemporaryFolder& folder, const std::map<std::string, const FakeAgent*>& agents)
      : brain_(relay) {
    Config config;
    config.port = 0;
    config.state = folder / "state";
    config.poll = 300ms;
    config.settings.lease = 3s;
    for (const auto& [node, agent] : agents) {
      config.inventory.nodes[node] = {.name = node,
                                      .url = agent->url(),
                                      .token_file = agent->token_file(),
                                      .services = {},
                                      .links = {},
                                      .programs = {}};
    }
    catalog_.inventory = config.inventory;
    brain_.shown = {{"faults", {{"f-1", {{"node", "keys-1"}, {"state", "live"}}}}}};
    app_ = std::make_unique<App>(config, App::Parts{.catalog = catalog_,
                                                    .brain = brain_,
                                                    .clock = clock_,
                                                    .version = "test",
                                                    .draw = {},
                                                    .load = {}});
    const auto opened = app_->open();
    if (!opened) throw std::runtime_error(opened.error().message);
    token_ = read_file(config.state / "controller.token").value();
    while (token_.ends_with('\n')) token_.pop_back();
    thread_ = std::thread([this] { ended_well_ = app_->run().has_value(); });
  }
  ~Running() { stop(); }
  bool stop() {
    if (thread_.joinable()) {
      app_->stop();
      thread_.join();
    }
    return ended_well_;
  }

  nlohmann::json call(const std::string& method, const std::string& path,
                      const std::string& body = "") const {
    HttpClient client;
    HttpCall call;
    call.method = method;
    call.url = cat("http://127.0.0.1:", app_->port(), path);
    call.body = body;
    call.token = token_;
    call.timeout = 15s;
    const auto reply = client.send(call);
    return reply ? parse_json(reply->body).value() : nlohmann::json{{"sent", false}};
  }
  std::vector<nlohmann::json> events(const std::string& kind) const {
    std::vector<nlohmann::json> found;
    const auto page = call("GET", "/api/v1/events");
    for (const auto& event : page.at("events")) {
      if (event.at("kind") == kind) found.push_back(event.at("data"));
    }
    return found;
  }
  bool sees(const std::string& kind, std::size_t count = 1) const {
    return eventually([&] { return events(kind).size() >= count; });
  }

 private:
  SystemClock clock_;
  Catalog catalog_;
  FakeBrain brain_;
  std::unique_ptr<App> app_;
  std::string token_;
  std::atomic<bool> ended_well_{false};
  std::thread thread_;
};

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
  (void)controller.call("POST", "/api/v1/faults", "{}");
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
  (void)controller.call("POST", "/api/v1/faults", "{}");
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
