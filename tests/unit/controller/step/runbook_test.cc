// SPDX-License-Identifier: Apache-2.0
// Promise: a runbook runs once, under its guards, also over a restart; and a refusal says why.
#include <catch2/catch.hpp>

#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// A breach without a drill: the shop itself is slow.
void go_slow(Scene& scene) {
  scene.agents_up();
  scene.samples(1, 20);
  scene.samples(0.95, 400);
}

TEST_CASE("a breach starts its runbook in the same step as it opens") {
  Scene scene;
  go_slow(scene);
  CHECK(scene.only("run.started").at == scene.only("breach.opened").at);
  scene.latency_ms = 30;
  scene.run_for(5s);
  CHECK(scene.only("run.done").data["outcome"] == "ok");
  std::vector<std::string> kinds;
  for (const Event& event : scene.events("step.done")) kinds.push_back(event.data["kind"]);
  CHECK(kinds ==
        std::vector<std::string>{"reroute", "mark", "notify", "script", "wait_for", "mark"});
  CHECK(scene.only("notify.sent").data["message"] == "on the standby");
  CHECK(scene.events("incident.closed").size() == 1);
}

TEST_CASE("a script that fails says what it wrote, in the journal and in the view of its run") {
  Scene scene;
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != EffectKind::kAct || effect.body["kind"] != "script") return well(effect);
    const Json result = {{"exit_code", 127},
                         {"output", "trying\n\nrepair.sh: redis-cli: not found\n"}};
    return EffectDone{effect.id,
                      "ok",
                      "",
                      {{"state", "failed"}, {"error", "ended with code 127"}, {"result", result}},
                      scene.now};
  };
  go_slow(scene);
  scene.run_for(1s);
  const std::string why = "ended with code 127; it wrote: trying / repair.sh: redis-cli: not found";
  CHECK(scene.events("step.done").back().data["detail"] == why);
  const Json run = scene.world.view(scene.now)["runs"]["r-1"];
  CHECK(run["why"] == "repair: failed (" + why + ")");
}

TEST_CASE("cooldown holds over a restart, is explained once, and then lets go") {
  Scene scene;
  go_slow(scene);
  scene.latency_ms = 30;
  scene.run_for(5s);
  const WallTime ended = scene.only("run.done").at;
  scene.crash();
  scene.agents_up();
  scene.samples(1, 400);
  REQUIRE(scene.events("breach.opened").size() == 2);
  scene.run_for(3s);
  CHECK(scene.events("run.started").size() == 1);
  CHECK(scene.only("run.refused").data["why"].get<std::string>().starts_with("in cooldown until "));
  scene.run_for(8s);
  REQUIRE(scene.events("run.started").size() == 2);
  CHECK(scene.events("run.started")[1].at >= ended + 10s);
}

TEST_CASE(
    "a run that ended well is not repeated for the same breach, a failed one is, up to the limit") {
  Catalog catalog = small_catalog();
  catalog.runbooks["failover"].cooldown = 1s;
  Scene scene(catalog);
  const auto well = scene.fleet;
  bool broken = true;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (!broken || effect.kind != EffectKind::kAct) return well(effect);
    return EffectDone{effect.id, "failed", "no route to the agent", Json::object(), scene.now};
  };
  go_slow(scene);
  scene.run_for(30s);
  CHECK(scene.events("run.started").size() == 3);
  CHECK(scene.events("run.refused").back().data["why"] == "3 runs within 1h, at most 3");
  for (const Event& done : scene.events("run.done")) CHECK(done.data["outcome"] == "failed");
  broken = false;
  scene.run_for(1h);
  CHECK(scene.events("run.started").size() == 4);
  scene.run_for(1h);
  CHECK(scene.events("run.started").size() == 4);
}

TEST_CASE("a failed step is tried again as often as it says") {
  Scene scene;
  const auto well = scene.fleet;
  int routes = 0;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != EffectKind::kAct || effect.body["kind"] != "reroute" || ++routes > 1)
      return well(effect);
    return EffectDone{effect.id, "failed", "not now", Json::object(), scene.now};
  };
  go_slow(scene);
  scene.latency_ms = 30;
  scene.run_for(6s);
  CHECK(routes == 2);
  CHECK(scene.events("step.done")[0].data["next"] == "retry");
  CHECK(scene.only("run.done").data["outcome"] == "ok");
}

TEST_CASE("a step of unknown outcome is repeated only if it is idempotent") {
  const auto scripts = [](bool idempotent) {
    Catalog catalog = small_catalog();
    Step& script = catalog.runbooks["failover"].steps[3];
    REQUIRE(script.kind == find_step_kind("script"));
    script.retries = 2;
    script.timeout = 1s;
    script.idempotent = idempotent;
    Scene scene(catalog);
    const auto well = scene.fleet;
    int asked = 0;
    scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
      if (effect.kind != EffectKind::kAct || effect.body["kind"] != "script") return well(effect);
      ++asked;
      return std::nullopt;
    };
    go_slow(scene);
    scene.run_for(10s);
    CHECK(scene.events("run.done").front().data["outcome"] == "unknown");
    return asked;
  };
  CHECK(scripts(true) == 3);
  CHECK(scripts(false) == 1);
}

TEST_CASE("two runs never act on one target at a time") {
  Catalog catalog = small_catalog();
  Runbook rival = catalog.runbooks["failover"];
  rival.name = "zz-rival";
  catalog.runbooks["zz-rival"] = rival;
  Scene scene(catalog);
  go_slow(scene);
  CHECK(scene.events("run.started").size() == 1);
  const std::string why = scene.only("run.refused").data["why"];
  CHECK(why.starts_with("run r-1 of `failover` acts on "));
  scene.run_for(10s);  // the breach stays: the rival has its turn afterwards
  CHECK(scene.events("run.started").size() == 2);
  CHECK(scene.events("run.started")[1].at >= scene.events("run.done")[0].at);
}

TEST_CASE("a late loop decides nothing, and says so") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  scene.step(LateLoop{400ms});
  CHECK(scene.only("doubt.on").data["late_ms"] == 400);
  scene.samples(1, 400);
  CHECK(scene.events("breach.opened").size() == 1);  // monitors on
  CHECK(scene.events("run.started").empty());        // decisions off
  CHECK(scene.only("run.refused").data["why"].get<std::string>().starts_with("decisions are off"));
  CHECK_FALSE(scene.command("drill.run", {{"scenario", "hang"}}));
  CHECK_FALSE(scene.command(
      "fault.apply",
      {{"kind", "process.pause"}, {"target", {{"service", "orders"}}}, {"for", "1s"}}));
  scene.run_for(4s);
  CHECK(scene.events("doubt.off").size() == 1);
  CHECK(scene.events("run.started").size() == 1);
}

TEST_CASE("a dry run says what it would do and does nothing") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("runbook.run", {{"runbook", "failover"}, {"dry_run", true}}));
  CHECK(scene.asked.empty());
  CHECK(scene.events("step.done").front().data["detail"] ==
        "would reroute app-1/cardkeys to standby, established connections: reset");
  CHECK(scene.only("run.done").data["outcome"] == "ok");
  REQUIRE(scene.command("runbook.run", {{"runbook", "failover"}}));  // no cooldown from it
}

TEST_CASE("an action that takes long is done when its agent says so, not when it was accepted") {
  Scene scene;
  const auto well = scene.fleet;
  std::string action;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != EffectKind::kAct || effect.body["kind"] != "reroute") return well(effect);
    action = effect.subject;
    return EffectDone{effect.id, "ok", "", {{"state", "running"}}, scene.now};
  };
  go_slow(scene);
  scene.run_for(500ms);
  CHECK(scene.events("step.done").empty());
  const WallTime at = scene.now - 50ms;
  scene.step(
      AgentEvents{"app-1", {{at, "action.done", {{"action", action}, {"state", "ok"}}}}, {}});
  CHECK(scene.events("step.done").front().at == at);
}

TEST_CASE("breaches of one target are one incident, others are their own") {
  Catalog catalog = small_catalog();
  Rule other = catalog.rules["slow"];
  other.name = "slower";
  other.when.value = 300;
  catalog.rules["slower"] = other;
  other.name = "elsewhere";
  other.target.services = {"orders"};
  catalog.rules["elsewhere"] = other;
  Scene scene(catalog);
  go_slow(scene);
  CHECK(scene.events("breach.opened").size() == 3);
  CHECK(scene.events("incident.opened").size() == 2);
  REQUIRE(scene.command("incident.ack", {{"incident", "i-1"}, {"by", "duty"}}));
  CHECK(scene.only("incident.acked").data["by"] == "duty");
}

TEST_CASE("a rule without data neither opens nor clears") {
  Scene scene;
  go_slow(scene);
  scene.quiet = true;
  scene.run_for(20s);
  CHECK(scene.events("breach.opened").size() == 1);
  CHECK(scene.events("breach.cleared").empty());
  CHECK(scene.world.view(scene.now)["rules"][0]["data"] == false);
}

}  // namespace
}  // namespace panshi::controller
