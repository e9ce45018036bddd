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

// A rule on a probe of keys-1, of which the inventory says nothing; and one that names the node.
Catalog with_probe_rules() {
  Catalog catalog = small_catalog();
  Problems problems;
  const Json rules = Json::parse(R"({"rules": [
    {"name": "d1-down", "title": "d1 is down", "signal": "d1.up", "is": "<", "value": 1,
     "target": {"service": "cardkeys-primary"}},
    {"name": "d1-down-there", "title": "d1 is down there", "signal": "d1.up", "node": "crowd-1",
     "is": "<", "value": 1, "target": {"service": "orders"}}]})");
  for (Rule& rule : read_rules(rules, problems)) catalog.rules[rule.name] = rule;
  REQUIRE(problems.empty());
  return catalog;
}

void offer(Scene& scene, const std::string& node, const std::vector<std::string>& signals) {
  Json services = Json::array();
  for (const std::string& name : scene.catalog.inventory.nodes.at(node).services) {
    services.push_back({{"name", name}, {"state", "ready"}});
  }
  scene.step(AgentState{node,
                        {{"node", node},
                         {"start_id", "s-1"},
                         {"services", services},
                         {"links", Json::array({{{"name", "cardkeys"}}})},
                         {"signals", signals}}});
}

void send(Scene& scene, const std::string& node, double d1) {
  scene.now += 100ms;
  scene.step(AgentEvents{node, {}, {{scene.now, "d1.up", d1}}});
}

std::vector<std::string> breached(const Scene& scene) {
  std::vector<std::string> rules;
  for (const Event& event : scene.events("breach.opened")) rules.push_back(event.data["rule"]);
  return rules;
}

TEST_CASE("a forged outcome of another node's action changes no verdict") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  const auto well = scene.fleet;
  std::string audit;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind != EffectKind::kAct || effect.body["kind"] != "program") return well(effect);
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

TEST_CASE("a fault on another node's service is not taken in, and is told once") {
  Scene scene;
  scene.agents_up();
  for (const Json& target : {Json{{"service", "cardkeys-primary"}}, Json{{"node", "keys-1"}}}) {
    const Json invented = {{"fault", "f-700"}, {"kind", "process.pause"}, {"target", target}};
    scene.step(AgentEvents{kLiar, {{scene.now, "fault.live", invented}}, {}});
  }
  scene.agent_up(kLiar, {{{"id", "f-701"},
                          {"kind", "process.pause"},
                          {"target", {{"service", "cardkeys-primary"}}},
                          {"state", "live"}}});
  CHECK(scene.events("fault.live").empty());
  CHECK(scene.events("agent.overstepped").size() == 2);
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
  scene.step(AgentEvents{kLiar, {}, {{scene.now, "cardkeys-primary.up", 0}}});  // the first to come
  scene.samples(1, 20);
  for (int i = 0; i < 5; ++i) {
    scene.now += 100ms;
    scene.step(AgentEvents{kLiar, {}, {{scene.now, "cardkeys-primary.up", 0}}});
  }
  CHECK(scene.only("agent.overstepped").data["what"] == "signal cardkeys-primary.up");
  CHECK(scene.only("agent.overstepped").node == kLiar);
  CHECK(scene.events("breach.opened").empty());
}

TEST_CASE("a forged signal of another node's probe fires no rule, and is told once") {
  Scene scene(with_probe_rules());
  scene.agents_up();
  offer(scene, "keys-1", {"cardkeys-primary.up", "d1.latency_ms", "d1.up"});
  for (int i = 0; i < 5; ++i) {
    send(scene, kLiar, 0);
    send(scene, "keys-1", 1);
  }
  offer(scene, kLiar, {"d1.up", "orders.up"});
  send(scene, kLiar, 0);
  CHECK(scene.only("agent.overstepped").data["what"] == "signal d1.up");
  CHECK(scene.only("agent.overstepped").node == kLiar);
  CHECK(breached(scene).empty());
  send(scene, "keys-1", 0);
  CHECK(breached(scene) == std::vector<std::string>{"d1-down"});
}

TEST_CASE("whose a signal is outlives a restart of the controller, whoever comes first") {
  Scene scene(with_probe_rules());
  scene.agents_up();
  offer(scene, "keys-1", {"d1.up"});
  scene.crash();
  send(scene, kLiar, 0);
  offer(scene, kLiar, {"d1.up"});
  send(scene, kLiar, 0);
  offer(scene, "keys-1", {"d1.up"});
  send(scene, "keys-1", 1);
  send(scene, kLiar, 0);
  CHECK(breached(scene).empty());
  CHECK(scene.events("agent.signals").size() == 1);  // nothing has changed since
}

TEST_CASE("a name that nobody offered is of the node that sent it first") {
  Scene scene(with_probe_rules());
  scene.agents_up();
  send(scene, "keys-1", 1);
  CHECK(scene.only("agent.signals").data["takes"] == Json{"d1.up"});
  CHECK(scene.only("agent.signals").node == "keys-1");
  send(scene, kLiar, 0);
  scene.step(
      AgentEvents{kLiar, {{scene.now, "probe.changed", {{"probe", "d1"}, {"up", false}}}}, {}});
  CHECK(breached(scene).empty());
  CHECK(scene.events("probe.changed").empty());
}

TEST_CASE("a probe that moved to another node counts there") {
  Scene scene(with_probe_rules());
  scene.agents_up();
  offer(scene, "keys-1", {"d1.up"});
  SECTION("because its agent does not offer it any more") {
    offer(scene, "app-1", {"d1.up"});  // sooner than the other let go of it
    offer(scene, "keys-1", {"cardkeys-primary.up"});
    CHECK(scene.events("agent.signals").back().data["releases"] == Json{"d1.up"});
  }
  SECTION("because the inventory says so") {
    auto moved = std::make_shared<Catalog>(scene.catalog);
    moved->inventory.nodes["app-1"].offer.signals = {"d1.up"};
    scene.step(Reloaded{moved});
    send(scene, "keys-1", 0);
    CHECK(breached(scene).empty());
  }
  SECTION("because its node is gone") {
    auto without = std::make_shared<Catalog>(scene.catalog);
    without->inventory.nodes.erase("keys-1");
    for (auto* rules : {&without->rules})
      std::erase_if(*rules, [](const auto& rule) { return rule.first != "d1-down"; });
    without->runbooks.clear();
    without->scenarios.clear();
    scene.step(Reloaded{without});
  }
  send(scene, "app-1", 0);
  CHECK(breached(scene) == std::vector<std::string>{"d1-down"});
}

TEST_CASE("two nodes that send one name on purpose") {
  Catalog catalog = with_probe_rules();
  SECTION("both count where the inventory gives it to both") {
    catalog.inventory.nodes["keys-1"].offer.signals = {"d1.up"};
    catalog.inventory.nodes["crowd-1"].offer.signals = {"d1.up"};
    Scene scene(std::move(catalog));
    scene.agents_up();
    send(scene, "keys-1", 1);
    send(scene, "crowd-1", 0);
    CHECK(breached(scene) == std::vector<std::string>{"d1-down", "d1-down-there"});
    CHECK(scene.events("agent.overstepped").empty());
  }
  SECTION("else each counts where it is named, and the first where none is") {
    Scene scene(std::move(catalog));
    scene.agents_up();
    send(scene, "keys-1", 1);
    send(scene, "crowd-1", 0);
    CHECK(breached(scene) == std::vector<std::string>{"d1-down-there"});
  }
}

TEST_CASE("a node takes no more names than it may have, and few anew all day") {
  Scene scene;
  scene.agents_up();
  for (int round = 0; round < 5; ++round) {
    std::vector<std::string> names;
    for (int i = 0; i < 6'000; ++i) names.push_back(cat("invented", round, "-", i));
    offer(scene, kLiar, names);
  }
  std::size_t taken = 0;
  for (const Event& event : scene.events("agent.signals")) taken += event.data["takes"].size();
  CHECK(taken == 2'000);
  CHECK(scene.only("agent.overstepped").data["what"] == "too many signals");
  offer(scene, "crowd-1", {"d1.up"});
  CHECK(scene.events("agent.signals").back().data["takes"] == Json{"d1.up"});
}

TEST_CASE("a flood that was cut is told, with how much") {
  Scene scene;
  scene.agents_up();
  scene.step(AgentEvents{kLiar, {}, {}, {.events = 7, .samples = 2}});
  CHECK(scene.only("agent.overstepped").data["events"] == 7);
  CHECK(scene.only("agent.overstepped").data["samples"] == 2);
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
  CHECK(scene.effects(EffectKind::kInject).size() == 1);  // its steady state was seen
}

}  // namespace
}  // namespace panshi::controller
