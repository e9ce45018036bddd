// SPDX-License-Identifier: Apache-2.0
// Promise: a drill breaks only what it says, heals it, and its verdict is never better than what is
// known.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "controller/drills/draw.h"
#include "core/base/text.h"
#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// A shop whose keys are slow while the freeze is in force and traffic is not on the standby.
void play_hang(Scene& scene) {
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}, {"seed", 7}}));
  scene.run_for(300ms);
  scene.samples(0.95, 400);  // the freeze shows
  scene.run_for(300ms);
  scene.samples(1, 30);  // the standby answers
  scene.run_for(20s);
}

TEST_CASE("a drill that goes well passes, with every phase on one timeline") {
  Scene scene;
  scene.agents_up();
  play_hang(scene);

  const Event& done = scene.only("drill.done");
  INFO(done.data.dump(2));
  CHECK(done.data["verdict"] == "pass");
  CHECK(done.data["aborted"] == false);
  std::vector<std::string> phases;
  for (const Event& event : scene.events("drill.phase")) phases.push_back(event.data["phase"]);
  CHECK(phases ==
        std::vector<std::string>{"steady", "inject", "recover", "settle", "audit", "done"});
  CHECK(scene.only("run.done").data["outcome"] == "ok");
  CHECK(scene.only("audit.done").data["verdict"] == "valid");
  const WallTime in_force = scene.only("fault.live").at;
  const WallTime symptom = scene.only("signal.symptom").at;
  const WallTime detected = scene.only("breach.opened").at;
  const WallTime decided = scene.only("run.started").at;
  const WallTime routed = scene.events("step.done").front().at;
  const WallTime first_good = scene.only("slo.first_good").at;
  const WallTime met = scene.only("slo.met").at;
  const WallTime redundant = scene.only("redundancy.back").at;
  const std::vector<WallTime> order = {in_force, symptom,    detected, decided,
                                       routed,   first_good, met,      redundant};
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(scene.only("incident.closed").drill == "d-1");
  const Json shown = scene.world.view(scene.now)["drills"]["d-1"];
  CHECK(shown["audit"]["verdict"] == "valid");
  REQUIRE(shown["phases"].size() == order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    CHECK(shown["phases"][i]["at_us"] == to_us(order[i]));
    const double since = static_cast<double>((order[i] - in_force).count()) / 1000;
    CHECK(shown["phases"][i]["since_in_force_ms"] == since);
  }
  CHECK(scene.only("fault.reverted").at - in_force >= 4s);
}

TEST_CASE("a drill's end says how far the samples had come that its report shows") {
  Scene scene;
  scene.agents_up();
  play_hang(scene);
  const Event& done = scene.only("drill.done");
  std::map<std::string, std::string> nodes;
  for (const Json& one : done.data["samples"]) {
    nodes[one["signal"].get<std::string>()] = one["node"].get<std::string>();
    CHECK(one["through_us"].get<std::int64_t>() <= to_us(done.at));
    CHECK(one["through_us"].get<std::int64_t>() > to_us(done.at - 1s));
  }
  INFO(done.data["samples"].dump());
  CHECK(nodes.contains("latency_ms"));     // of the rule that fired
  CHECK(nodes.contains("success_ratio"));  // of the scenario's steady state
}

TEST_CASE("of a node that fell silent long before a drill's end, the last sample is known") {
  Catalog catalog = small_catalog();
  for (const char* node : {"app-1", "crowd-1"}) {  // both have the signal
    catalog.inventory.nodes[node].offer.signals = {"latency_ms"};
  }
  Scene scene(std::move(catalog));
  scene.agents_up();
  Json document = hang_document();
  document["settle"] = "6m";
  scene.samples(1, 20);
  scene.step(AgentEvents{"app-1", {}, {{scene.now, "latency_ms", 20}}});
  const std::int64_t last = to_us(scene.now);
  REQUIRE(scene.command("drill.run", {{"document", document}}));
  scene.run_for(300ms);
  scene.samples(0.95, 400);
  scene.run_for(300ms);
  scene.samples(1, 30);
  scene.run_for(400s);
  const Json wanted = {{"signal", "latency_ms"}, {"node", "app-1"}, {"through_us", last}};
  const Json samples = scene.only("drill.done").data["samples"];
  CHECK(std::count(samples.begin(), samples.end(), wanted) == 1);
}

TEST_CASE("every intent is journaled before it is asked for, and gets an outcome") {
  Scene scene;
  scene.agents_up();
  play_hang(scene);
  CHECK(scene.events("effect.intended").size() == scene.asked.size());
  CHECK(scene.events("effect.done").size() == scene.asked.size());
}

TEST_CASE("a lost order fails the drill, an audit without answer leaves it unknown") {
  const auto verdict = [](const std::string& audit) {
    Scene scene;
    scene.audit_verdict = audit;
    scene.agents_up();
    play_hang(scene);
    return scene.only("drill.done").data["verdict"].get<std::string>();
  };
  CHECK(verdict("invalid") == "fail");
  CHECK(verdict("unknown") == "unknown");
  CHECK(verdict("") == "unknown");
}

TEST_CASE("an audit that exits with an error is unknown, whatever it printed, and is quoted") {
  const auto [printed, code] = GENERATE(table<std::string, int>({{"valid", 7}, {"invalid", 1}}));
  Scene scene;
  const auto well = scene.fleet;
  scene.fleet = [&, &said = printed,
                 &exit_code = code](const Effect& effect) -> std::optional<EffectDone> {
    auto done = well(effect);
    if (effect.kind != EffectKind::kAct || effect.body["kind"] != "program") return done;
    CHECK(effect.body["params"]["args"]["since_us"] ==
          std::to_string(to_us(scene.only("drill.started").at)));
    done->outcome = "failed";
    done->result["state"] = "failed";
    done->result["error"] = cat("ended with code ", exit_code);
    done->result["result"] = {{"exit_code", exit_code},
                              {"output", cat("psql: no such host\n{\"verdict\":\"", said, "\"}\n")},
                              {"output_json", {{"verdict", said}}}};
    return done;
  };
  scene.agents_up();
  play_hang(scene);
  const auto audit = scene.only("audit.done").data;
  CHECK(audit["verdict"] == "unknown");
  CHECK(audit["audit"]["why"][0] == cat("the audit program failed: ended with code ", code,
                                        "; it said `", printed, "`, which is not believed"));
  CHECK(audit["audit"]["why"][1] == "it wrote: psql: no such host");
  const auto drill = scene.only("drill.done").data;
  CHECK(drill["verdict"] == "unknown");
  CHECK(drill["why"].dump().find("ended with code") != std::string::npos);
}

TEST_CASE("a shop that is not well is not broken further") {
  Scene scene;
  scene.agents_up();
  scene.samples(0.5, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(6s);
  CHECK(scene.effects(EffectKind::kInject).empty());
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
  CHECK(scene.only("drill.done").data["aborted"] == true);
}

TEST_CASE("an abort condition reverts at once and fails the drill") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(500ms);
  REQUIRE(scene.effects(EffectKind::kInject).size() == 1);
  scene.samples(0.1, 20);
  CHECK(scene.effects(EffectKind::kRevert).size() == 1);
  scene.run_for(1s);
  CHECK(scene.only("drill.done").data["verdict"] == "fail");
  CHECK(scene.only("drill.done").data["aborted"] == true);
}

TEST_CASE("what was expected and did not happen fails the drill") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(30s);  // nobody notices the freeze
  CHECK(scene.only("drill.done").data["verdict"] == "fail");
  CHECK(scene.only("drill.done").data["why"].dump().find("breach slow within 2s") !=
        std::string::npos);
}

TEST_CASE("a fault of unknown outcome is reverted, and the drill cannot pass") {
  Scene scene;
  scene.agents_up();
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind == EffectKind::kInject) return std::nullopt;
    return well(effect);
  };
  play_hang(scene);
  CHECK(scene.effects(EffectKind::kRevert).size() == 1);
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
}

TEST_CASE("an agent that is lost ends the drill without a pass, and its fault is accounted for") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  scene.run_for(500ms);
  scene.step(AgentLost{"keys-1", "no answer for 2s"});
  scene.run_for(1s);
  CHECK(scene.events("drill.done").empty());  // waits to learn what became of the fault
  scene.agent_up("keys-1", {{{"id", "d-1.freeze"}, {"state", "reverted"}}});
  scene.run_for(1s);
  CHECK(scene.only("fault.reverted").data["fault"] == "d-1.freeze");
  CHECK(scene.only("drill.done").data["verdict"] == "unknown");
}

TEST_CASE("more targets than the scenario allows are never broken, counted after the action") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  Json document = hang_document();
  document["faults"].push_back({{"id", "cut"},
                                {"kind", "link.down"},
                                {"target", {{"node", "app-1"}, {"link", "cardkeys"}}},
                                {"at", "1s"},
                                {"for", "1s"}});
  CHECK_FALSE(scene.command("drill.run", {{"document", document}}));  // it says so itself
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind == EffectKind::kRevert)
      return std::nullopt;  // the first one lasts longer than planned
    return well(effect);
  };
  document["faults"][1]["at"] = "5s";
  REQUIRE(scene.command("drill.run", {{"document", document}}));
  scene.run_for(10s);
  CHECK(scene.effects(EffectKind::kInject).size() == 1);
  CHECK(scene.only("drill.abort").data["why"] ==
        "fault cut was not applied: it would break 2 targets at once, targets_max is 1");

  scene.fleet = well;
  scene.run_for(60s);
  document["faults"][1]["at"] = "1s";
  document["limits"]["targets_max"] = 2;
  REQUIRE(scene.command("drill.run", {{"document", document}}));
  scene.run_for(3s);
  CHECK(scene.effects(EffectKind::kInject).size() == 3);
}

TEST_CASE("any_of is drawn by the seed, the same each time") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  Json document = hang_document();
  document["faults"][0]["target"] = {{"service", {{"any_of", {"orders", "cardkeys-primary"}}}}};
  std::set<std::string> drawn;
  for (int seed = 0; seed < 8; ++seed) {
    for (int again = 0; again < 2; ++again) {
      REQUIRE(scene.command("drill.run", {{"document", document}, {"seed", seed}}));
      scene.run_for(1s);
      REQUIRE(scene.command("halt", Json::object()));
      scene.run_for(1s);
      REQUIRE(scene.command("resume", Json::object()));
      scene.run_for(1s);
    }
    const auto injected = scene.effects(EffectKind::kInject);
    const auto size = injected.size();
    CHECK(injected[size - 1].body["target"] == injected[size - 2].body["target"]);
    drawn.insert(injected[size - 1].body["target"]["service"].get<std::string>());
  }
  CHECK(drawn.size() == 2);
}

TEST_CASE("no service is drawn twice, nor one that another fault names, whatever the seed") {
  Problems problems;
  Json document = hang_document();
  const Json any = {{"service", {{"any_of", {"a", "b", "c"}}}}};
  document["faults"] = Json::array();
  for (const char* id : {"one", "two", "three"}) {
    document["faults"].push_back(
        {{"id", id}, {"kind", "process.pause"}, {"target", any}, {"for", "1s"}});
  }
  document["faults"][1]["target"] = {{"service", {{"any_of", {"a", "b"}}}}};
  document["faults"][2]["target"] = {{"service", "c"}};
  const Scenario scenario = read_scenario(document, problems);
  REQUIRE(problems.empty());
  CHECK(draws_are_distinct(scenario));
  std::set<std::string> firsts;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::set<std::string> drawn;
    for (const Target& target : draw_targets(scenario, seed)) drawn.insert(target.services.at(0));
    INFO("seed " << seed);
    REQUIRE(drawn.size() == 3);
    firsts.insert(draw_targets(scenario, seed).front().services.front());
  }
  CHECK(firsts == std::set<std::string>{"a", "b"});
}

TEST_CASE("an expected run that was refused is told with the reason") {
  Catalog catalog = small_catalog();
  catalog.runbooks["failover"].cooldown = 1h;
  Scene scene(catalog);
  scene.agents_up();
  REQUIRE(scene.command("runbook.run", {{"runbook", "failover"}}));
  scene.samples(1, 30);
  scene.run_for(20s);
  REQUIRE(scene.events("run.done").size() == 1);
  play_hang(scene);
  scene.run_for(40s);
  std::string observed;
  for (const Event& answer : scene.events("drill.expectation")) {
    if (answer.data["text"].get<std::string>().find("failover") != std::string::npos) {
      observed = answer.data["observed"].get<std::string>();
    }
  }
  CHECK_THAT(observed, Catch::StartsWith("no run: refused, in cooldown until "));
}

TEST_CASE("draws that cannot all be different are refused before anything is broken") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  Json document = hang_document();
  const Json any = {{"service", {{"any_of", {"orders", "cardkeys-primary"}}}}};
  document["faults"].push_back(
      {{"id", "second"}, {"kind", "process.pause"}, {"target", any}, {"for", "1s"}});
  document["faults"].push_back(
      {{"id", "third"}, {"kind", "process.pause"}, {"target", any}, {"for", "1s"}});
  const auto refused = scene.command("drill.run", {{"document", document}});
  REQUIRE(!refused);
  CHECK(refused.error().message.find("drawn from too few services") != std::string::npos);
}

}  // namespace
}  // namespace panshi::controller
