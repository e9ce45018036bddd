// SPDX-License-Identifier: Apache-2.0
// Promise: whoever asks is told why an agent is of no use, what it lacks, and since when each of
// its services is as it is.
#include <catch2/catch.hpp>

#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

Json shown(const Scene& scene, const std::string& node) {
  return scene.world.view(scene.now)["agents"][node];
}

TEST_CASE("a reason that came before the first contact is told when its time is over") {
  Scene scene;
  scene.quiet = true;
  scene.step(AgentLost{"keys-1", "it does not accept the token"});
  CHECK(scene.events("agent.down").empty());  // it may be starting just now
  CHECK(shown(scene, "keys-1")["why"] == "it does not accept the token");
  scene.run_for(11s);
  const auto down = scene.events("agent.down");
  REQUIRE(down.size() == 3);
  for (const Event& event : down) {
    CHECK(event.data["why"] == (event.node == "keys-1" ? "it does not accept the token"
                                                       : "no word since the controller started"));
  }
}

TEST_CASE("another reason is told, the same one is not, and an answer ends it") {
  Scene scene;
  scene.agents_up();
  for (const char* why : {"no answer", "no answer", "it refuses this controller"}) {
    scene.step(AgentLost{"keys-1", why});
  }
  CHECK(scene.events("agent.down").size() == 2);
  CHECK(shown(scene, "keys-1")["why"] == "it refuses this controller");
  CHECK(shown(scene, "keys-1")["up"] == false);
  scene.agent_up("keys-1");
  CHECK(shown(scene, "keys-1")["why"] == "");
  CHECK(shown(scene, "keys-1")["up"] == true);
}

TEST_CASE("what the inventory gives and the agent lacks is told once, and when it is there") {
  Scene scene;
  const Json none = Json::array();
  const Json bare = {{"start_id", "s-1"}, {"services", none}, {"links", none}};
  scene.step(AgentState{"app-1", bare});
  scene.step(AgentState{"app-1", bare});
  const Event& lacks = scene.only("agent.lacks");
  CHECK(lacks.node == "app-1");
  CHECK(lacks.data["services"] == Json{"orders"});
  CHECK(lacks.data["links"] == Json{"cardkeys"});
  CHECK(shown(scene, "app-1")["lacks"]["services"] == Json{"orders"});
  scene.agent_up("app-1");
  REQUIRE(scene.events("agent.lacks").size() == 2);
  CHECK(scene.events("agent.lacks")[1].data["services"].empty());
}

TEST_CASE("what a reloaded inventory gives and the agent lacks is told at once") {
  Scene scene;
  const Json links = {{{"name", "cardkeys"}}};
  scene.step(AgentState{
      "app-1", {{"start_id", "s-1"}, {"services", {{{"name", "orders"}}}}, {"links", links}}});
  CHECK(scene.events("agent.lacks").empty());
  const auto wider = std::make_shared<Catalog>(scene.catalog);
  wider->inventory.nodes["app-1"].services.push_back("payments");
  scene.step(Reloaded{wider});
  CHECK(scene.only("agent.lacks").data["services"] == Json{"payments"});
}

TEST_CASE("what the account of a server lacks is in the journal as its agent tells it") {
  Scene scene;
  scene.agents_up();
  const Json told = {{"service", "orders"}, {"lacks", {"PROCESS"}}, {"text", "it lacks PROCESS"}};
  scene.step(AgentEvents{"app-1", {{scene.now - 1s, "account.lacks", told}}, {}});
  const Event& lacks = scene.only("account.lacks");
  CHECK(lacks.node == "app-1");
  CHECK(lacks.data == told);
}

TEST_CASE("a service is shown since it came into its state, and that moves with the state alone") {
  Scene scene;
  scene.agents_up();
  const std::int64_t contact = to_us(scene.now);
  scene.now += 5s;
  CHECK(shown(scene, "app-1")["services"][0]["since_us"] == contact - 2'000'000);
  scene.step(AgentEvents{
      "app-1", {{scene.now - 1s, "service.exited", {{"service", "orders"}, {"pid", 7}}}}, {}});
  CHECK(shown(scene, "app-1")["services"][0]["since_us"] == to_us(scene.now - 1s));
  CHECK(shown(scene, "app-1")["services"][0]["state"] == "stopped");
}

TEST_CASE("a controller that takes over begins above the epoch and the ids of the agents") {
  Scene scene;
  scene.step(Restarted{"test", 41, 17});
  CHECK(scene.world.epoch() == 42);
  scene.agents_up();
  scene.run_for(1s);
  const Json body = {{"kind", "process.pause"},
                     {"target", {{"service", "orders"}}},
                     {"params", Json::object()},
                     {"for", "1s"}};
  CHECK(scene.command("fault.apply", body).value()["fault"] == "f-18");
  scene.crash();
  CHECK(scene.world.epoch() == 43);
}

TEST_CASE("a fault that failed and is not undone yet says so while it may be in force") {
  Scene scene;
  scene.agents_up();
  scene.run_for(1s);
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    EffectDone done{effect.id, "ok", "", Json::object(), scene.now};
    done.result = {
        {"id", effect.subject}, {"state", "live"}, {"error", "denied; not reverted yet"}};
    return done;
  };
  const Json body = {{"kind", "process.pause"},
                     {"target", {{"service", "orders"}}},
                     {"params", Json::object()},
                     {"for", "1s"}};
  REQUIRE(scene.command("fault.apply", body));
  const Json fault = scene.world.view(scene.now)["faults"]["f-1"];
  CHECK(fault["state"] == "live");
  CHECK(fault["reason"] == "denied; not reverted yet");
}

}  // namespace
}  // namespace panshi::controller
