// SPDX-License-Identifier: Apache-2.0
// Promise: every command is answered: done, or a reason a person can act on.
#include <catch2/catch.hpp>

#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

Json pause_orders() {
  return {{"kind", "process.pause"}, {"target", {{"service", "orders"}}}, {"for", "5s"}};
}

TEST_CASE("an unknown name is answered with what exists and what was meant") {
  Scene scene;
  scene.agents_up();
  const auto error = [&](const char* verb, const Json& body) {
    const auto answer = scene.command(verb, body);
    REQUIRE_FALSE(answer);
    return answer.error().message;
  };
  CHECK(error("drill.run", {{"scenario", "hnag"}}) ==
        "unknown scenario `hnag` (did you mean `hang`?); known: hang");
  CHECK(error("drill.abort", {{"drill", "d-1"}}) == "unknown drill `d-1`; known: none");
  CHECK(error("drill.run", {{"scenari", "hang"}}) ==
        "scenario is missing\nscenari is not a known field (did you mean `scenario`?)");
  CHECK(error("fault.apply",
              {{"kind", "process.puase"}, {"target", {{"service", "order"}}}, {"for", "5s"}}) ==
        "kind unknown kind `process.puase` (did you mean `process.pause`?); "
        "`panshi fault kinds` lists all\n"
        "target.service unknown service `order` (did you mean `orders`?); known: cardkeys-primary, "
        "orders");
  CHECK(error("link.reroute", {{"node", "app-1"}, {"link", "cardkeys"}, {"to", "standbi"}}) ==
        "to unknown upstream of cardkeys `standbi` (did you mean `standby`?); known: primary, "
        "standby");
  CHECK(error("link.drain", {{"node", "app-1"}, {"link", "cardkeys"}, {"upstream", "standbi"}}) ==
        "upstream unknown upstream `standbi` (did you mean `standby`?); known: primary, standby");
  CHECK(error("link.undrain", {{"node", "app-9"}, {"link", "cardkeys"}, {"upstream", "standby"}})
            .starts_with("node unknown node `app-9`"));
  CHECK(error("link.weights",
              {{"node", "app-1"}, {"link", "cardkeys"}, {"weights", {{"standbi", 1}}}})
            .starts_with("weights unknown upstream `standbi`"));
  CHECK(error("dance", Json::object()).starts_with("unknown command `dance`"));
}

TEST_CASE("a drill is refused with its reason") {
  Scene scene;
  const auto why = [&] {
    const auto answer = scene.command("drill.run", {{"scenario", "hang"}});
    return answer ? std::string("started") : answer.error().message;
  };
  CHECK(why() == "the drill is refused: agent keys-1 of cardkeys-primary is down");
  scene.agent_up("keys-1");
  CHECK(why() == "the drill is refused: agent crowd-1 of the audit is down");
  scene.agents_up();
  REQUIRE(scene.command("halt", {{"reason", "a release"}}));
  CHECK(why() == "the drill is refused: halted: a release");
  REQUIRE(scene.command("resume", Json::object()));
  scene.samples(1, 400);
  CHECK(why() == "the drill is refused: incident i-1 is open on cardkeys-primary");
  scene.samples(1, 20);
  scene.run_for(10s);
  CHECK(why() == "started");
  CHECK(why() == "the drill is refused: drill d-1 (hang) is under way");
}

TEST_CASE("halt reverts everywhere, blocks what breaks and lets heal") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(500ms);
  REQUIRE(scene.command("halt", {{"reason", "enough"}}));
  CHECK(scene.effects(EffectKind::kRevertAll).size() == 3);
  CHECK(scene.world.faults_to_renew("keys-1").empty());
  scene.samples(1, 400);
  CHECK(scene.events("run.started").size() == 1);
  scene.run_for(5s);
  CHECK(scene.only("drill.done").data["aborted"] == true);
  const auto refused = scene.command("fault.apply", pause_orders());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "the fault is refused: halted: enough");
  CHECK(scene.command("resume", Json::object()));
  CHECK(scene.command("fault.apply", pause_orders()));
}

TEST_CASE("an ad-hoc fault has its own id, its lease is renewed, and its time ends it") {
  Scene scene;
  scene.agents_up();
  const auto applied = scene.command("fault.apply", pause_orders());
  REQUIRE(applied);
  CHECK((*applied)["fault"] == "f-1");
  const Effect inject = scene.effects(EffectKind::kInject).front();
  CHECK(inject.subject == "f-1");
  CHECK(inject.body["lease_ms"] == 3000);
  CHECK(scene.world.faults_to_renew("app-1") == std::vector<std::string>{"f-1"});
  scene.run_for(4900ms);
  CHECK(scene.effects(EffectKind::kRevert).empty());
  scene.run_for(200ms);
  CHECK(scene.effects(EffectKind::kRevert).size() == 1);
  CHECK(scene.world.faults_to_renew("app-1").empty());
}

TEST_CASE("a fault can be reverted by hand, one of a drill takes the drill with it") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(500ms);
  REQUIRE(scene.command("fault.revert", {{"fault", "d-1.freeze"}}));
  scene.run_for(1s);
  CHECK(scene.effects(EffectKind::kRevert).size() == 1);
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
}

TEST_CASE("a revert that fails is tried again until it is done") {
  Scene scene;
  scene.agents_up();
  const auto well = scene.fleet;
  int reverts = 0;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != EffectKind::kRevert || ++reverts > 3) return well(effect);
    return EffectDone{effect.id, "ok", "", {{"state", "live"}, {"error", "busy"}}, scene.now};
  };
  REQUIRE(scene.command("fault.apply", pause_orders()));
  scene.run_for(15s);
  CHECK(reverts == 4);
  CHECK(scene.events("fault.reverted").size() == 1);
}

TEST_CASE("what is shown of a service follows its events") {
  Scene scene;
  scene.agents_up();
  AgentState state;
  state.node = "app-1";
  state.status = {{"start_id", "again"},
                  {"services", {{{"name", "orders"}, {"state", "ready"}, {"pid", 7}}}}};
  scene.step(state);
  const auto shown = [&] { return scene.world.view(scene.now)["agents"]["app-1"]["services"][0]; };
  const auto happens = [&](const char* kind, Json data) {
    AgentEvents batch;
    batch.node = "app-1";
    batch.events = {{scene.now, kind, std::move(data)}};
    scene.step(batch);
  };
  CHECK(shown()["pid"] == 7);
  happens("service.exited", {{"service", "orders"}, {"pid", 7}, {"signal", 9}});
  CHECK(shown()["state"] == "stopped");
  CHECK(shown()["pid"] == 0);
  happens("service.ready", {{"service", "orders"}, {"pid", 8}});
  CHECK(shown()["state"] == "ready");
  CHECK(shown()["pid"] == 8);
}

TEST_CASE("what is said about a link's upstreams is an act of its agent") {
  Scene scene;
  scene.agents_up();
  const Json link = {{"node", "app-1"}, {"link", "cardkeys"}};
  Json drain = link;
  drain.update({{"upstream", "primary"}, {"within", "5s"}});
  const auto drained = scene.command("link.drain", drain);
  REQUIRE(drained);
  CHECK(drained->contains("effect"));
  Json weights = link;
  weights["weights"] = {{"primary", 3}, {"standby", 1}};
  CHECK(scene.command("link.weights", weights));
}

TEST_CASE("nothing is ordered of a link whose agent is down") {
  Scene scene;
  scene.agents_up();
  scene.step(AgentLost{"app-1", "connection refused"});
  const auto refused = [&](const char* verb, const Json& body) {
    const auto answer = scene.command(verb, body);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::kUnavailable);
    CHECK(answer.error().message == "nothing was done: agent app-1 is down: connection refused");
  };
  refused("link.undrain", {{"node", "app-1"}, {"link", "cardkeys"}, {"upstream", "primary"}});
  refused("link.reroute", {{"node", "app-1"}, {"link", "cardkeys"}, {"to", "standby"}});
}

TEST_CASE("a fault whose revert fails shows why, and one that was in the way of another too") {
  Scene scene;
  scene.agents_up();
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != EffectKind::kRevert) return well(effect);
    return EffectDone{effect.id, "failed", "the mount is busy", Json::object(), scene.now};
  };
  const auto shown = [&](const Json& answer) {
    return scene.world.view(scene.now)["faults"][answer["fault"].get<std::string>()];
  };
  const auto first = scene.command("fault.apply", pause_orders());
  REQUIRE(first);
  REQUIRE(scene.command("fault.revert", *first));
  CHECK(shown(*first)["revert_error"] == "the mount is busy");
  CHECK(shown(*first)["not_now"] == false);
  scene.fleet = well;
  scene.run_for(2s);
  CHECK(shown(*first)["state"] == "reverted");
  CHECK(shown(*first)["revert_error"] == "");

  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    return EffectDone{effect.id, "failed", "f-9 is in force", Json::object(), scene.now, true};
  };
  const auto second = scene.command("fault.apply", pause_orders());
  REQUIRE(second);
  CHECK(shown(*second)["state"] == "failed");
  CHECK(shown(*second)["not_now"] == true);
}

TEST_CASE("agents are told which crossings matter") {
  Scene scene;
  const Json watches = scene.world.watches("crowd-1");
  CHECK(watches == Json::parse(R"([{"signal":"latency_ms","is":">","value":150.0},
                                   {"signal":"latency_ms","is":"<=","value":100.0}])"));
}

}  // namespace
}  // namespace panshi::controller
