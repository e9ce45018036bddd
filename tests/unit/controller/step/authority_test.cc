// SPDX-License-Identifier: Apache-2.0
// Promise: one lost node is one lost node. What an agent says counts for what is its own; a node
// that was taken over cannot speak for another one.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr const char* kLiar = "app-1";

TEST_CASE("a forged outcome of another node's action changes no verdict") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  const auto well = scene.fleet;
  std::string audit;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != "act" || effect.body["kind"] != "program") return well(effect);
    audit = effect.id;  // it is still at work
    return std::nullopt;
  };
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(15s);
  REQUIRE(audit != "");
  const Json forged = {{"action", audit},
                       {"state", "ok"},
                       {"result", {{"exit_code", 0}, {"output_json", {{"verdict", "valid"}}}}}};
  scene.step(AgentEvents{kLiar, {{scene.now, "action.done", forged}}, {}});
  CHECK(scene.events("audit.done").empty());
  CHECK(scene.only("agent.overstepped").data["what"] == "event action.done");
  Json own = forged;
  own["result"]["output_json"]["verdict"] = "invalid";
  scene.step(AgentEvents{"crowd-1", {{scene.now, "action.done", own}}, {}});
  CHECK(scene.only("audit.done").data["verdict"] == "invalid");
}

TEST_CASE("an effect's id cannot be guessed from another one, and counts on over a restart") {
  Scene scene;
  std::int64_t last = 0;
  for (const std::string key : {"a", "b"}) {
    scene.effect_tag = [key](std::int64_t number) { return cat(key, number * 7); };
    scene.restart(Duration(0));
    scene.agents_up();
    scene.samples(1, 20);
    REQUIRE(scene.command(
        "fault.apply",
        {{"kind", "process.pause"}, {"target", {{"service", "cardkeys-primary"}}}, {"for", "2s"}}));
    const std::string id = scene.asked.back().id;
    const std::int64_t number = number_of(id);
    CHECK(number > last);
    CHECK(id == cat("e-", number, ".", key, number * 7));
    last = number;
    scene.run_for(10s);
  }
  CHECK(scene.events("fault.reverted").size() == 2);
}

TEST_CASE("a forged signal of another node's service fires no rule, and is told once") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  for (int i = 0; i < 5; ++i) {
    scene.now += 100ms;
    scene.step(AgentEvents{kLiar, {}, {{scene.now, "cardkeys-primary.up", 0}}});
  }
  CHECK(scene.only("agent.overstepped").data["what"] == "signal cardkeys-primary.up");
  CHECK(scene.events("breach.opened").empty());
}

TEST_CASE("a probe may be named as a link of another node") {
  Scene scene;
  scene.agents_up();
  scene.step(AgentEvents{"keys-1", {}, {{scene.now, "cardkeys.latency_ms", 7}}});
  CHECK(scene.events("agent.overstepped").empty());
}

TEST_CASE("nobody says of another node's fault that it is over, or in force") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command(
      "fault.apply",
      {{"kind", "process.pause"}, {"target", {{"service", "cardkeys-primary"}}}, {"for", "30s"}}));
  REQUIRE(scene.events("fault.live").size() == 1);
  const Json over = {{"fault", "f-1"}, {"reason", "lease"}};
  scene.step(AgentEvents{kLiar, {{scene.now, "fault.reverted", over}}, {}});
  scene.agent_up(kLiar, Json::array({{{"id", "f-1"}, {"known", true}, {"state", "reverted"}}}));
  scene.agent_up(kLiar, Json::array({{{"id", "f-1"}, {"known", false}, {"state", "reverted"}}}));
  CHECK(scene.events("fault.reverted").empty());
  CHECK(scene.events("fault.lost").empty());
}

TEST_CASE("events of another node's services and links are not believed") {
  Scene scene;
  scene.agents_up();
  scene.step(
      AgentEvents{"crowd-1",
                  {{scene.now, "service.exited", {{"service", "orders"}, {"pid", 7}}},
                   {scene.now, "link.rerouted", {{"link", "cardkeys"}, {"to", "standby"}}},
                   {scene.now, "probe.down", {{"probe", "own"}, {"service", "its-own-name"}}}},
                  {}});
  CHECK(scene.events("service.exited").empty());
  CHECK(scene.events("link.rerouted").empty());
  CHECK(scene.events("probe.down").size() == 1);
  CHECK(scene.events("agent.overstepped").size() == 2);
}

TEST_CASE("a node that invents thousands of signals blinds no other one") {
  Scene scene;
  scene.agents_up();
  AgentEvents lies{kLiar, {}, {}};
  for (int i = 0; i < 6'000; ++i) lies.samples.push_back({scene.now, cat("invented", i), 1.0});
  scene.step(lies);
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(1s);
  CHECK(scene.effects("inject").size() == 1);  // its steady state was seen
}

}  // namespace
}  // namespace panshi::controller
