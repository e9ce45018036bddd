// SPDX-License-Identifier: Apache-2.0
// Promise: another catalog is taken in whole, what changed is said, and nothing under way is judged
// by what it did not begin with.
#include <catch2/catch.hpp>

#include "core/model/check.h"
#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// small_catalog() with what the loader keeps of each file.
Catalog documented() {
  Catalog catalog = small_catalog();
  catalog.documents = {{"rule slow", {{"value", 150}}},
                       {"runbook failover", {{"steps", 6}}},
                       {"scenario hang", hang_document()}};
  return catalog;
}

Result<Json> reload(Scene& scene, Catalog catalog) {
  const Stepped out = scene.step(Reloaded{std::make_shared<const Catalog>(std::move(catalog))});
  return *out.answer;
}

TEST_CASE("a rule with another threshold fires by it from the reload on") {
  Scene scene(documented());
  scene.agents_up();
  scene.samples(1, 60);
  scene.run_for(1s);
  CHECK(scene.events("breach.opened").empty());
  Catalog next = documented();
  next.rules["slow"].when.value = 50;
  next.documents["rule slow"] = {{"value", 50}};
  CHECK(reload(scene, next).value()["changes"] == Json{"rule slow changed"});
  CHECK(scene.only("catalog.changed").data["changes"] == Json{"rule slow changed"});
  scene.run_for(1s);
  CHECK(scene.only("breach.opened").data["rule"] == "slow");
  next.rules.erase("slow");
  next.documents.erase("rule slow");
  CHECK(reload(scene, next).value()["changes"] == Json{"rule slow is gone"});
  scene.run_for(1s);  // nothing refers to it any more
}

TEST_CASE("the same files are no change, and no event") {
  Scene scene(documented());
  CHECK(reload(scene, documented()).value()["changes"].empty());
  CHECK(scene.events("catalog.changed").empty());
}

TEST_CASE("other groups and signals of a node are changes") {
  Scene scene(documented());
  Catalog next = documented();
  next.inventory.groups = {{"keys", {"cardkeys-primary"}, 1}};
  next.inventory.nodes["app-1"].offer.signals = {"orders.up"};
  CHECK(reload(scene, next).value()["changes"] == Json{"group keys is new", "node app-1 changed"});
}

TEST_CASE("a node that came with a reload is known, one that went is not") {
  Scene scene(documented());
  scene.agents_up();
  Catalog next = documented();
  next.inventory.nodes["new-1"] = {"new-1", "http://n", "", {"fresh"}, {}, {}};
  next.inventory.nodes.erase("app-1");
  CHECK(reload(scene, next).value()["changes"] == Json{"node app-1 is gone", "node new-1 is new"});
  const Json agents = scene.world.view(scene.now)["agents"];
  CHECK(agents.contains("new-1"));
  CHECK_FALSE(agents.contains("app-1"));
  scene.step(AgentState{"app-1", {{"start_id", "s"}, {"services", Json::array()}}});  // too late
}

TEST_CASE("while a drill is under way nothing is taken in, afterwards it is") {
  Scene scene(documented());
  scene.agents_up();
  scene.run_for(1s);
  REQUIRE(scene.command("drill.run", {{"scenario", "hang"}}));
  Catalog next = documented();
  next.documents["scenario hang"]["title"] = "another";
  const auto refused = reload(scene, next);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kConflict);
  CHECK(refused.error().message.find("drill d-1 is under way") != std::string::npos);
  scene.run_for(40s);
  CHECK(reload(scene, next).value()["changes"] == Json{"scenario hang changed"});
}

TEST_CASE("a run keeps the runbook that it began with, other files are taken in beside it") {
  Scene scene(documented());
  scene.agents_up();
  scene.run_for(1s);
  scene.fleet = [](const Effect&) { return std::nullopt; };  // its step does not end
  REQUIRE(scene.command("runbook.run", {{"runbook", "failover"}}));
  Catalog next = documented();
  next.documents["runbook failover"] = {{"steps", 5}};
  const auto refused = reload(scene, next);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("run r-1 of runbook failover") != std::string::npos);
  next = documented();
  next.documents["rule slow"] = {{"value", 151}};
  CHECK(reload(scene, next));
}

TEST_CASE("a fault in force keeps its node") {
  Scene scene(documented());
  scene.agents_up();
  scene.run_for(1s);
  const Json body = {{"kind", "process.pause"},
                     {"target", {{"service", "orders"}}},
                     {"params", Json::object()},
                     {"for", "20s"}};
  REQUIRE(scene.command("fault.apply", body));
  Catalog next = documented();
  next.inventory.nodes["app-1"].url = "http://elsewhere";
  CHECK_FALSE(reload(scene, next));
  next.inventory.nodes.erase("app-1");
  const auto refused = reload(scene, next);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("panshi fault close f-1") != std::string::npos);
  REQUIRE(scene.command("fault.revert", {{"fault", "f-1"}}));
  scene.run_for(1s);
  CHECK(reload(scene, next));
}

}  // namespace
}  // namespace panshi::controller
