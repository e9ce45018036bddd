// SPDX-License-Identifier: Apache-2.0
// Promise: no data is not good news. What nobody measured was not seen to go well, a brake that
// nobody presses is none, and a fault without effect has shown nothing.
#include <catch2/catch.hpp>

#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

Json watched_document(const char* during) {
  Json document = hang_document();
  document["faults"][0]["for"] = "6s";
  document["abort_if"] = Json::array();
  document["expect"] = {
      {{"signal", "success_ratio"}, {"is", ">="}, {"value", 0.9}, {"during", during}}};
  return document;
}

void begin(Scene& scene, const Json& document) {
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"document", document}, {"seed", 7}}));
  scene.run_for(500ms);
  REQUIRE(scene.effects(EffectKind::kInject).size() == 1);
}

std::string whys(const Scene& scene) { return scene.only("drill.done").data["why"].dump(); }

TEST_CASE("a source that falls silent with what it watches leaves its expectation unknown") {
  for (const auto silent : {2s, 4s, 6s}) {  // of six; before, it said that all is well
    INFO(silent.count());
    Scene scene;
    begin(scene, watched_document("fault"));
    scene.run_for(1s);
    scene.quiet = true;
    scene.run_for(silent);
    scene.quiet = false;
    scene.run_for(20s);
    const Json ok = scene.only("drill.expectation").data["ok"];
    const Json verdict = scene.only("drill.done").data["verdict"];
    CHECK(ok == (silent == 2s ? Json(true) : Json(nullptr)));
    CHECK(verdict == (silent == 2s ? "pass" : "unknown"));
  }
}

TEST_CASE("what was measured before a fault says nothing of how it went") {
  Scene scene;
  Json document = watched_document("fault");
  document["faults"][0]["for"] = "2s";  // shorter than what counts as stale
  begin(scene, document);
  scene.quiet = true;
  scene.run_for(2s);
  scene.quiet = false;
  scene.run_for(20s);
  CHECK(scene.only("drill.expectation").data["ok"] == nullptr);
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
}

TEST_CASE("a breach that was seen before the silence is still one") {
  Scene scene;
  begin(scene, watched_document("fault"));
  scene.samples(0.5, 20);
  scene.quiet = true;
  scene.run_for(6s);
  scene.quiet = false;
  scene.success_ratio = 1;
  scene.run_for(20s);
  CHECK(scene.only("drill.expectation").data["ok"] == false);
  CHECK(scene.only("drill.done").data["verdict"] == "fail");
}

TEST_CASE("a controller that was away does not know that no breach came and that no run ended") {
  for (const bool away : {false, true}) {
    INFO(away);
    Scene scene;
    Json document = watched_document("recovered");
    document["expect"] = {{{"breach", "slow"}, {"within", "2s"}}, {{"run", "failover"}}};
    begin(scene, document);
    if (away) {
      scene.now += 1s;
      scene.crash();
      scene.agent_up("app-1");
      scene.agent_up("crowd-1");
      scene.agent_up("keys-1", {{{"id", "d-1.freeze"}, {"state", "live"}}});
    }
    scene.run_for(30s);
    for (const Event& answer : scene.events("drill.expectation")) {
      CHECK(answer.data["ok"] == (away ? Json(nullptr) : Json(false)));
    }
    CHECK(scene.only("drill.done").data["verdict"] == (away ? "unknown" : "fail"));
  }
}

TEST_CASE("a drill that settles quickly still waits for the last samples of its fault") {
  Scene scene;
  Json document = watched_document("fault");
  document["settle"] = "100ms";
  document["expect"][0]["signal"] = "latency_ms";
  document["expect"][0]["is"] = "<=";
  document["expect"][0]["value"] = 100;
  begin(scene, document);
  scene.run_for(5s);
  scene.quiet = true;
  const auto see = [&](const char* signal, double value) {
    scene.step(AgentEvents{"crowd-1", {}, {{scene.now, signal, value}}});
  };
  for (int i = 0; i < 15; ++i) {  // the end of the fault comes, and the system is well at once
    scene.run_for(100ms);
    see("success_ratio", 1);
  }
  REQUIRE(scene.events("fault.reverted").size() == 1);
  CHECK(scene.events("drill.expectation").empty());
  see("latency_ms", 20);
  scene.run_for(200ms);
  CHECK(scene.only("drill.expectation").data["ok"] == true);
  CHECK(scene.only("drill.done").data["verdict"] == "pass");
}

TEST_CASE("a fault that could not give everything back leaves the verdict unknown") {
  Scene scene;
  scene.shown_effect["left"] = "120 bytes that others wrote over";
  begin(scene, watched_document("recovered"));
  scene.run_for(20s);
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
  CHECK(whys(scene).find("could not give back everything: 120 bytes") != std::string::npos);
}

TEST_CASE("a system that says nothing after its faults is not well again") {
  Scene scene;
  begin(scene, watched_document("recovered"));
  scene.run_for(5s);
  scene.quiet = true;  // its newest good sample is from before the end of the fault
  scene.run_for(60s);
  CHECK(scene.only("drill.expectation").data["ok"] == nullptr);
  CHECK(scene.events("drill.steady").back().data["ok"] == false);
  CHECK(scene.only("drill.done").data["verdict"] == "fail");
}

TEST_CASE("a stop condition that loses its data stops the drill") {
  Scene scene;
  Json document = watched_document("recovered");
  document["abort_if"] = hang_document()["abort_if"];
  document["faults"][0]["for"] = "30s";
  begin(scene, document);
  scene.run_for(1s);
  CHECK(scene.effects(EffectKind::kRevert).empty());
  scene.quiet = true;
  scene.run_for(4s);
  CHECK(scene.effects(EffectKind::kRevert).size() == 1);
  CHECK(scene.only("drill.abort").data["why"] ==
        "abort condition: success_ratio has no data, so it could not stop the drill");
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
}

TEST_CASE("a restart of the controller is not taken for the silence of a stop condition") {
  Scene scene;
  Json document = watched_document("recovered");
  document["abort_if"] = hang_document()["abort_if"];
  document["faults"][0]["for"] = "30s";
  begin(scene, document);
  scene.crash();
  scene.agent_up("app-1");
  scene.agent_up("crowd-1");
  scene.agent_up("keys-1", {{{"id", "d-1.freeze"}, {"state", "live"}}});
  scene.run_for(1s);
  CHECK(scene.events("drill.abort").empty());
}

TEST_CASE("a stop condition on a signal that nobody feeds lets nothing be broken") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  Json document = hang_document();
  document["abort_if"][0]["signal"] = "sucess_ratio";
  REQUIRE(scene.command("drill.run", {{"document", document}}));
  scene.run_for(10s);
  CHECK(scene.effects(EffectKind::kInject).empty());
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
  CHECK(scene.only("drill.abort")
            .data["why"]
            .get<std::string>()
            .find("abort_if can see sucess_ratio, seen no agent has sent it (did you mean "
                  "`success_ratio`?)") != std::string::npos);
}

TEST_CASE("a drill on a signal that no agent says it sends is refused, with the nearest") {
  Scene scene;
  const std::map<std::string, Json> sent = {{"keys-1", {"cardkeys-primary.up"}},
                                            {"app-1", {"orders.up"}},
                                            {"crowd-1", {"success_ratio", "latency_ms"}}};
  for (const auto& [node, signals] : sent) {
    scene.step(AgentState{node, {{"start_id", "s-1"}, {"signals", signals}}});
  }
  scene.samples(1, 20);
  Json document = hang_document();
  REQUIRE(scene.command("drill.run", {{"document", document}}));
  scene.run_for(40s);
  document["abort_if"][0]["signal"] = "sucess_ratio";
  const auto refused = scene.command("drill.run", {{"document", document}});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("did you mean `success_ratio`"));
}

TEST_CASE("a stop condition on a signal that no agent has is refused where they are known") {
  Catalog catalog = small_catalog();
  catalog.inventory.nodes["keys-1"].offer.signals = {"cardkeys-primary.up"};
  catalog.inventory.nodes["app-1"].offer.signals = {"orders.up"};
  catalog.inventory.nodes["crowd-1"].offer.signals = {"success_ratio", "latency_ms"};
  Scene scene(catalog);
  scene.agents_up();
  scene.samples(1, 20);
  Json document = hang_document();
  document["abort_if"][0]["signal"] = "sucess_ratio";
  const auto refused = scene.command("drill.run", {{"document", document}});
  REQUIRE(!refused);
  CHECK(refused.error().message.find("abort_if[0].signal unknown signal `sucess_ratio`: no agent "
                                     "sends it (did you mean `success_ratio`?)") !=
        std::string::npos);
  CHECK(scene.command("drill.run", {{"document", hang_document()}}));
}

TEST_CASE("a fault that shows no effect ends its drill unknown, with what was measured") {
  for (const auto& [measured, said] :
       {std::pair<Json, std::string>{Json::object(), "nothing was measured"},
        {{{"stopped", 0}}, R"({\"stopped\":0})"}}) {
    Scene scene;
    scene.shown_effect = measured;
    begin(scene, watched_document("recovered"));
    scene.run_for(20s);
    CHECK(scene.only("drill.done").data["verdict"] == "unknown");
    INFO(whys(scene));
    CHECK(whys(scene).find("fault freeze showed no effect: " + said) != std::string::npos);
  }
}

TEST_CASE("an effect that shows only at the end of a fault is one") {
  Scene scene;
  scene.shown_effect = {{"stopped", 0}};
  begin(scene, watched_document("recovered"));
  scene.run_for(1s);
  scene.shown_effect = {{"stopped", 2}};
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) {
    auto done = well(effect);
    if (effect.kind == EffectKind::kRevert) done->result["measured"] = scene.shown_effect;
    return done;
  };
  scene.run_for(20s);
  CHECK(scene.only("drill.done").data["verdict"] == "pass");
}

}  // namespace
}  // namespace panshi::controller
