// SPDX-License-Identifier: Apache-2.0
// Promise: a node that tells of faults which nobody ordered, as many as it likes, keeps nothing of
// the others open and stops no drill of theirs; and a person has the last word on them.
#include <catch2/catch.hpp>

#include "controller/limits.h"
#include "core/base/text.h"
#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr const char* kLost = "spare-1";  // has nothing that anybody else needs

Catalog with_a_spare() {
  Catalog catalog = small_catalog();
  catalog.inventory.nodes[kLost] = {kLost, "", "", {}, {}, {}};
  return catalog;
}

Json made_up(const std::string& id) {
  return {{"id", id}, {"kind", "process.pause"}, {"target", {{"node", kLost}}}, {"state", "live"}};
}

Json many(const std::string& prefix, int count) {
  Json faults = Json::array();
  for (int i = 0; i < count; ++i) faults.push_back(made_up(cat(prefix, i)));
  return faults;
}

// Its agent reverts nothing: it says that it does not know the fault, and has cleared nothing.
void never_revert(Scene& scene) {
  const auto well = scene.fleet;
  scene.fleet = [&scene, well](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.node != kLost) return well(effect);
    EffectDone done{effect.id, "ok", "", Json::object(), scene.now};
    if (effect.kind == EffectKind::kRevert) {
      done.result = {{"id", effect.subject}, {"state", "reverted"}, {"known", false}};
    } else {
      done.outcome = "failed";
      done.detail = "left over: its agent did not clear it, and does not say what is left";
    }
    return done;
  };
}

Json view_of_fault(Scene& scene, const std::string& id) {
  return scene.world.view(scene.now)["faults"][id];
}

TEST_CASE("of a node that tells of a thousand faults nobody ordered 32 are taken in") {
  Scene scene(with_a_spare());
  never_revert(scene);
  scene.agents_up();
  SECTION("by a status") { scene.agent_up(kLost, many("x", 1'000)); }
  SECTION("by events") {
    AgentEvents lies{kLost, {}, {}};
    for (int i = 0; i < 1'000; ++i) {
      lies.events.push_back({scene.now, "fault.live", {{"fault", cat("x", i)}, {"kind", "k"}}});
    }
    scene.step(lies);
  }
  scene.run_for(5s);
  scene.agent_up(kLost, many("y", 1'000));
  CHECK(scene.events("fault.live").size() == limits::kLeftoversMax);
  const std::string text = scene.only("agent.overstepped").data["text"];
  CHECK(text.find("panshi fault close --node spare-1 --all --reason WHY") != std::string::npos);
}

TEST_CASE("a node that makes up faults and reverts them is heard 200 times a minute") {
  Scene scene(with_a_spare());
  scene.agents_up();
  for (int round = 0; round < 20; ++round) {
    scene.agent_up(kLost, many(cat("x", round, "-"), 32));
    scene.run_for(100ms);
  }
  CHECK(scene.events("fault.live").size() == limits::kLeftoversAMinute);
}

TEST_CASE("a fault that bears no name of one is none") {
  Scene scene(with_a_spare());
  scene.agents_up();
  Json faults = Json::array({made_up(std::string(1'000, 'x')), made_up("../revert-all")});
  scene.agent_up(kLost, faults);
  CHECK(scene.events("fault.live").empty());
}

TEST_CASE("what one node says that nobody ordered stops no drill of another") {
  Scene scene(with_a_spare());
  never_revert(scene);
  scene.agents_up();
  scene.samples(1, 20);
  const bool stuck = GENERATE(false, true);
  scene.agent_up(kLost, many("x", 3));
  if (stuck) {
    scene.step(
        AgentEvents{kLost, {{scene.now, "fault.stuck", {{"fault", "x0"}, {"error", "no"}}}}, {}});
  }
  scene.run_for(1s);
  REQUIRE(!scene.events("incident.opened").empty());
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(300ms);
  scene.samples(0.95, 400);  // the freeze shows
  scene.run_for(300ms);
  scene.samples(1, 30);  // the standby answers
  scene.run_for(40s);
  CHECK(scene.effects(EffectKind::kInject).size() == 1);
  INFO(scene.only("drill.done").data.dump());
  CHECK(scene.only("drill.done").data["verdict"] == "pass");
  CHECK(scene.events("redundancy.back").size() == 1);  // of the drill's own incident
}

TEST_CASE("a service of a node that is lost keeps no incident open that is not about that node") {
  Catalog catalog = with_a_spare();
  catalog.inventory.nodes[kLost].services = {"spare"};
  Scene scene(catalog);
  scene.agents_up();
  scene.step(AgentLost{kLost, "no answer"});
  scene.run_for(3s);
  scene.step(AgentLost{kLost, "no answer"});
  scene.samples(1, 20);
  REQUIRE_FALSE(scene.events("agent.down").empty());
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(300ms);
  scene.samples(0.95, 400);
  scene.run_for(300ms);
  scene.samples(1, 30);
  scene.run_for(40s);
  CHECK(scene.events("redundancy.back").size() == 1);
  CHECK(scene.events("incident.closed").size() == 1);
}

TEST_CASE("a fault by hand elsewhere does not count what nobody ordered") {
  Scene scene(with_a_spare());
  never_revert(scene);
  scene.agents_up();
  scene.agent_up(kLost, many("x", 3));
  CHECK(scene.command(
      "fault.apply",
      {{"kind", "process.pause"}, {"target", {{"service", "cardkeys-primary"}}}, {"for", "30s"}}));
}

TEST_CASE("what nobody ordered on a node of the drill keeps the drill from beginning") {
  Scene scene(with_a_spare());
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != EffectKind::kRevert) return well(effect);
    return EffectDone{effect.id, "failed", "still live", Json::object(), scene.now};
  };
  scene.agents_up();
  scene.samples(1, 20);
  Json fault = made_up("x0");
  fault["target"] = {{"service", "cardkeys-primary"}};
  scene.agent_up("keys-1", Json::array({fault}));
  scene.run_for(1s);
  const auto refused = scene.command("drill.run", {{"scenario", "hang"}});
  REQUIRE(!refused);
  CHECK(refused.error().message.find("fault x0 is not over on keys-1") != std::string::npos);
}

TEST_CASE("an incident waits for what nobody ordered on its own node, and on no other") {
  Scene scene(with_a_spare());
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != EffectKind::kRevert) return well(effect);
    return EffectDone{effect.id, "failed", "still live", Json::object(), scene.now};
  };
  scene.agents_up();
  scene.agent_up(kLost, many("x", 3));
  const bool own = GENERATE(false, true);
  if (own) {
    Json fault = made_up("own");
    fault["target"] = {{"service", "cardkeys-primary"}};
    scene.agent_up("keys-1", Json::array({fault}));
  }
  scene.samples(1, 400);
  const std::string id = scene.only("incident.opened").incident;
  scene.latency_ms = 20;
  scene.run_for(10s);
  CHECK(scene.events("incident.closed").size() == (own ? 0 : 1));
  if (!own) return;
  const std::string waits = scene.world.view(scene.now)["incidents"][id]["waits_for"].dump();
  CHECK(waits.find("fault own on keys-1 is over") != std::string::npos);
  CHECK(waits.find("spare-1") == std::string::npos);
}

TEST_CASE("nobody is paged twice for what one node makes up") {
  Scene scene(with_a_spare());
  never_revert(scene);
  scene.agents_up();
  for (int i = 0; i < 20; ++i) {
    scene.agent_up(kLost, many("x", i));
    scene.run_for(500ms);
  }
  CHECK(scene.events("fault.lost").size() > 10);
  CHECK(scene.effects(EffectKind::kNotify).size() == 1);
}

TEST_CASE("what cannot be reverted and nobody ordered is tried six times an hour") {
  Scene scene(with_a_spare());
  never_revert(scene);
  scene.agents_up();
  scene.agent_up(kLost, many("x", 1));
  scene.run_for(30min);
  const std::size_t before = scene.effects(EffectKind::kClear).size();
  scene.run_for(60min);
  CHECK(scene.effects(EffectKind::kClear).size() - before <= 7);
}

TEST_CASE("a person closes what a node makes up, against its word and for good") {
  Scene scene(with_a_spare());
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != EffectKind::kRevert) return well(effect);
    return EffectDone{effect.id, "failed", "still live", Json::object(), scene.now};
  };
  scene.agents_up();
  scene.agent_up(kLost, many("x", 3));
  const auto refused = scene.command("fault.close", {{"fault", "x0"}, {"reason", "made up"}});
  REQUIRE(!refused);
  CHECK(refused.error().message.find("panshi fault close x0 --force --reason WHY") !=
        std::string::npos);
  SECTION("one") {
    CHECK(scene.command("fault.close", {{"fault", "x0"}, {"reason", "made up"}, {"force", true}}));
    CHECK(view_of_fault(scene, "x0")["state"] == "reverted");
    CHECK(view_of_fault(scene, "x0")["reason"] == "closed by somebody: made up");
    CHECK(view_of_fault(scene, "x1")["state"] == "live");
  }
  SECTION("all of the node") {
    const auto closed = scene.command(
        "fault.close-all", {{"node", kLost}, {"by", "night-shift"}, {"reason", "made up"}});
    REQUIRE(closed);
    CHECK((*closed)["closed"] == Json{"x0", "x1", "x2"});
    CHECK((*closed)["left"].empty());
    CHECK(view_of_fault(scene, "x2")["reason"] == "closed by night-shift: made up");
  }
  const std::size_t told = scene.events("fault.live").size();
  scene.now += 1s;
  if (GENERATE(false, true)) scene.crash();
  scene.agent_up(kLost, Json::array({made_up("x0")}));
  scene.step(AgentEvents{kLost, {{scene.now, "fault.live", {{"fault", "x0"}}}}, {}});
  CHECK(scene.events("fault.live").size() == told);
  CHECK(view_of_fault(scene, "x0")["state"] == "reverted");
}

TEST_CASE("closing all of a node leaves what was ordered, unless it is forced") {
  Scene scene(with_a_spare());
  scene.agents_up();
  REQUIRE(scene.command(
      "fault.apply",
      {{"kind", "process.pause"}, {"target", {{"service", "cardkeys-primary"}}}, {"for", "30s"}}));
  Json body = {{"node", "keys-1"}, {"reason", "its host is rebuilt"}};
  const auto left = scene.command("fault.close-all", body);
  REQUIRE(left);
  CHECK((*left)["closed"].empty());
  CHECK((*left)["left"][0]["fault"] == "f-1");
  body["force"] = true;
  const auto closed = scene.command("fault.close-all", body);
  REQUIRE(closed);
  CHECK((*closed)["closed"] == Json{"f-1"});
  CHECK(scene.world.faults_to_renew("keys-1").empty());  // so that it ends with its lease
  CHECK(!scene.command("fault.close-all", {{"node", "nobody"}, {"reason", "x"}}));
}

TEST_CASE("a fault of a drill under way is not closed under it") {
  Scene scene(with_a_spare());
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(1s);
  const auto refused = scene.command(
      "fault.close", {{"fault", "d-1.freeze"}, {"reason", "enough"}, {"force", true}});
  REQUIRE(!refused);
  CHECK(refused.error().message.find("`panshi drill abort d-1`") != std::string::npos);
}

TEST_CASE("nothing is closed for a reason that says nothing") {
  Scene scene(with_a_spare());
  scene.agents_up();
  scene.agent_up(kLost, many("x", 1));
  CHECK(!scene.command("fault.close-all", {{"node", kLost}, {"reason", " \n"}}));
  CHECK(!scene.command("fault.close-all", {{"node", kLost}}));
}

TEST_CASE("an agent cannot say that a person closed its fault, nor that nobody ordered it") {
  Scene scene(with_a_spare());
  scene.agents_up();
  REQUIRE(scene.command(
      "fault.apply",
      {{"kind", "process.pause"}, {"target", {{"service", "cardkeys-primary"}}}, {"for", "30s"}}));
  scene.step(AgentEvents{
      "keys-1",
      {{scene.now, "fault.reverted", {{"fault", "f-1"}, {"forced", true}, {"leftover", true}}}},
      {}});
  const Event& over = scene.only("fault.reverted");
  CHECK(!over.data.contains("forced"));
  CHECK(!over.data.contains("leftover"));
}

TEST_CASE("a node may be taken out of the inventory whatever it makes up") {
  Scene scene(with_a_spare());
  never_revert(scene);
  scene.agents_up();
  scene.agent_up(kLost, many("x", 1));
  auto without = std::make_shared<Catalog>(scene.catalog);
  without->inventory.nodes.erase(kLost);
  scene.step(Reloaded{without});
  CHECK(!scene.world.view(scene.now)["agents"].contains(kLost));
}

TEST_CASE("however many faults a node makes up, what a drill did is still known") {
  Scene scene(with_a_spare());
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(40s);
  for (int minute = 0; minute < 4; ++minute) {
    for (int round = 0; round < 10; ++round) {
      scene.agent_up(kLost, many(cat("x", minute, "-", round, "-"), 20));
      scene.run_for(100ms);
    }
    scene.now += 1min;
  }
  REQUIRE(scene.events("fault.reverted").size() > 600);
  CHECK(view_of_fault(scene, "d-1.freeze")["state"] == "reverted");
}

}  // namespace
}  // namespace panshi::controller
