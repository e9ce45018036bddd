// SPDX-License-Identifier: Apache-2.0
// Promise: a controller that was killed anywhere goes on or reverts, and leaves nothing without an
// outcome.
#include <catch2/catch.hpp>

#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

Json live_fault(const std::string& id) {
  return {{"id", id},
          {"kind", "process.pause"},
          {"target", {{"service", "cardkeys-primary"}}},
          {"state", "live"}};
}

TEST_CASE("a drill in the middle of its fault goes on after a restart") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(1s);
  scene.crash();
  CHECK(scene.events("controller.started").back().data["after_crash"] == true);
  CHECK(scene.world.epoch() == 2);
  CHECK(scene.world.faults_to_renew("keys-1") == std::vector<std::string>{"d-1.freeze"});
  scene.agent_up("app-1");
  scene.agent_up("crowd-1");
  scene.agent_up("keys-1", {live_fault("d-1.freeze")});
  scene.run_for(30s);
  CHECK(scene.events("fault.live").size() == 1);
  CHECK(scene.effects(EffectKind::kRevert).size() == 1);
  CHECK(scene.only("drill.done").data["aborted"] == false);
}

// As panshi-controller does it on SIGTERM (Loop::finish).
void stop_in_good_order(Scene& scene, const std::string& node) {
  const auto note = [&](const char* kind, Json data) {
    Event event;
    event.seq = static_cast<std::int64_t>(scene.journal.size()) + 1;
    event.at = scene.now;
    event.kind = kind;
    event.node = node;
    event.data = std::move(data);
    scene.journal.push_back(event);
    scene.world.apply(event);
  };
  note("effect.intended", {{"effect", "stop-1"}, {"kind", "revert_all"}, {"timeout_ms", 3000}});
  note("effect.done", {{"effect", "stop-1"}, {"outcome", "ok"}});
  scene.step(Stopping{});
}

TEST_CASE("a fault that the controller's own stop cut short ends the drill as unknown") {
  // Whether we were back before its time was over, or not.
  const auto away = GENERATE(as<Duration>(), 500ms, 3s);
  INFO(away.count());
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(2s);
  const WallTime live = scene.only("fault.live").at;
  const WallTime stopped = scene.now;
  stop_in_good_order(scene, "keys-1");
  scene.now += away;
  scene.crash();
  Json fault = live_fault("d-1.freeze");
  fault["state"] = "reverted";
  fault["reason"] = "revert_all";
  fault["live_age_us"] = (scene.now - live).count();
  fault["ended_age_us"] = (scene.now - stopped).count();
  scene.agent_up("app-1");
  scene.agent_up("crowd-1");
  scene.agent_up("keys-1", {fault});
  scene.run_for(40s);
  const Event& done = scene.only("drill.done");
  INFO(done.data.dump());
  CHECK(done.data["verdict"] == "unknown");
  CHECK(done.data["why"].dump().find("fault freeze was in force for 2s of 4s (revert_all)") !=
        std::string::npos);
}

TEST_CASE("a fault that ran out while the controller was away ends the drill as unknown") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(1s);
  scene.crash();
  scene.agents_up();  // the agents know of no fault any more
  scene.run_for(5s);
  CHECK(scene.only("fault.lost").data["fault"] == "d-1.freeze");
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
  CHECK(scene.only("drill.done").data["aborted"] == true);
}

TEST_CASE(
    "what was wrong while no controller was wanted is no incident, what still is wrong is one") {
  Scene scene;
  scene.agents_up();
  const WallTime start = scene.only("controller.started").at;
  const auto seen = [&](WallTime at, double latency_ms) {
    scene.step(AgentEvents{"crowd-1", {}, {{at, "latency_ms", latency_ms}}});
  };
  for (int i = 50; i > 0; --i) seen(start - i * 100ms, 400);
  CHECK(scene.events("breach.opened").empty());
  CHECK(scene.events("signal.symptom").empty());
  scene.latency_ms = 400;
  scene.run_for(3s);
  CHECK(scene.only("signal.symptom").at >= start);
  CHECK(scene.events("breach.opened").size() == 1);
}

TEST_CASE("what was wrong while the controller lay crashed is an incident") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  scene.now += 10s;
  scene.crash();
  scene.agents_up();
  const WallTime start = scene.events("controller.started").back().at;
  for (int i = 50; i > 0; --i) {
    scene.step(AgentEvents{"crowd-1", {}, {{start - i * 100ms, "latency_ms", 400}}});
  }
  CHECK(scene.only("signal.symptom").at < start);
}

TEST_CASE("an intent that never left the controller gets an outcome after the restart") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  scene.fleet = [](const Effect&) { return std::nullopt; };
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(200ms);
  REQUIRE(scene.events("effect.intended").size() == 1);
  scene.crash();
  scene.agents_up();
  CHECK(scene.only("effect.done").data["outcome"] == "failed");
  CHECK(scene.only("effect.done").data["detail"] == "the agent never got it");
  scene.run_for(1s);
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
}

TEST_CASE("a run goes on where it was, without repeating what its agent had done") {
  Scene scene;
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind == EffectKind::kAct && effect.body["kind"] == "script") return std::nullopt;
    return well(effect);
  };
  scene.agents_up();
  scene.samples(1, 20);
  scene.samples(1, 400);
  const std::string script = scene.asked.back().subject;
  scene.latency_ms = 30;
  scene.crash();
  scene.agent_up("app-1");
  scene.agent_up("crowd-1");
  scene.agent_up("keys-1", Json::array(), {{{"id", script}, {"state", "ok"}}});
  scene.run_for(5s);
  CHECK(scene.only("run.done").data["outcome"] == "ok");
  int scripts = 0;
  for (const Effect& effect : scene.effects(EffectKind::kAct))
    scripts += effect.body["kind"] == "script";
  CHECK(scripts == 1);
}

TEST_CASE("an epoch that no agent follows is taken back by a take-over") {
  Scene scene;
  scene.step(Restarted{"test", 4'611'686'018'427'387'904, 0, {}});
  REQUIRE(scene.world.epoch() == 4'611'686'018'427'387'905);
  scene.step(Restarted{"test", 7, 0, {}});
  CHECK(scene.world.epoch() == 8);
  scene.step(Restarted{"test", 5, 0, {}});
  CHECK(scene.world.epoch() == 9);
}

TEST_CASE("a live fault that nobody knows, or of a drill that is over, is reverted") {
  Scene scene;
  scene.agent_up("keys-1", {live_fault("somebody-elses")});
  REQUIRE(scene.effects(EffectKind::kRevert).size() == 1);
  CHECK(scene.effects(EffectKind::kRevert)[0].subject == "somebody-elses");
  CHECK(scene.only("fault.live").data["leftover"] == true);
  CHECK(scene.world.faults_to_renew("keys-1").empty());
  CHECK(scene.only("fault.reverted").data["fault"] == "somebody-elses");
}

TEST_CASE("late and repeated answers change nothing") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command(
      "fault.apply",
      {{"kind", "process.pause"}, {"target", {{"service", "orders"}}}, {"for", "1s"}}));
  const WallTime live = scene.only("fault.live").at;
  scene.run_for(2s);
  REQUIRE(scene.events("fault.reverted").size() == 1);
  scene.step(AgentEvents{"app-1", {{live, "fault.live", {{"fault", "f-1"}}}}, {}});
  Json status = live_fault("f-1");  // from before its end
  status["live_age_us"] = (scene.now - live).count();
  scene.agent_up("app-1", {status});
  scene.step(EffectDone{scene.effects(EffectKind::kInject)[0].id, "unknown", "", Json::object(),
                        scene.now});
  CHECK(scene.events("fault.live").size() == 1);
  CHECK(scene.effects(EffectKind::kRevert).size() == 1);
  CHECK(scene.events("effect.done").size() == scene.events("effect.intended").size());
}

TEST_CASE("ids go on after a restart") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.crash();
  scene.agents_up();
  scene.run_for(40s);
  scene.samples(1, 20);
  const auto second = scene.command("drill.run", {{"scenario", "hang"}});
  REQUIRE(second);
  CHECK((*second)["drill"] == "d-2");
}

TEST_CASE("an orderly stop is not a crash") {
  Scene scene;
  scene.step(Stopping{});
  scene.crash();
  CHECK(scene.events("controller.started").back().data["after_crash"] == false);
}

}  // namespace
}  // namespace panshi::controller
