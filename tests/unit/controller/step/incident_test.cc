// SPDX-License-Identifier: Apache-2.0
// Promise: no incident is open for ever. What cannot be seen to end is closed with the reason, and
// a person may close one.
#include <catch2/catch.hpp>

#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a rule deleted while it fires closes its incident with that reason") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 400);
  REQUIRE(scene.events("incident.opened").size() == 1);
  scene.catalog.rules.erase("slow");
  scene.catalog.runbooks.clear();
  scene.crash();
  scene.agents_up();
  scene.run_for(1s);
  CHECK(scene.only("breach.cleared").data["why"] == "rule slow was deleted while it fired");
  CHECK(scene.only("incident.closed").data["why"] == "rule slow was deleted while it fired");
  CHECK(scene.command("drill.run", {{"scenario", "hang"}}));
}

TEST_CASE("an incident whose rule is deleted after it cleared closes in the ordinary way") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 400);
  scene.samples(1, 20);
  scene.step(AgentEvents{"keys-1", {}, {{scene.now, "cardkeys-primary.up", 0}}});
  scene.quiet = true;
  REQUIRE(scene.events("incident.closed").empty());
  scene.catalog.rules.erase("slow");
  scene.crash();
  scene.agents_up();
  scene.quiet = false;
  scene.run_for(1s);
  CHECK(scene.events("incident.closed").size() <= 1);
}

TEST_CASE("a person closes an incident, what still fires opens another") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 400);
  const std::string id = scene.only("incident.opened").incident;
  CHECK(!scene.command("incident.close", {{"incident", "i-9"}, {"reason", "x"}}));
  CHECK(!scene.command("incident.close", {{"incident", id}}));  // why?
  REQUIRE(scene.command("incident.close",
                        {{"incident", id}, {"reason", "gone for good"}, {"by", "night-shift"}}));
  CHECK(scene.only("incident.closed").data["why"] == "closed by night-shift: gone for good");
  CHECK(scene.world.view(scene.now)["incidents"][id]["closed_why"] ==
        "closed by night-shift: gone for good");
  const auto again = scene.command("incident.close", {{"incident", id}, {"reason", "again"}});
  REQUIRE(!again);
  CHECK(again.error().code == ErrorCode::kOver);
  scene.run_for(200ms);
  CHECK(scene.events("incident.opened").size() == 2);
}

TEST_CASE("an incident says what it is still open for, also when that is elsewhere") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 400);
  const std::string id = scene.only("incident.opened").incident;
  const auto waits = [&] { return scene.world.view(scene.now)["incidents"][id]["waits_for"]; };
  REQUIRE(waits().size() == 1);
  CHECK(waits()[0].get<std::string>().starts_with("rule slow clears: latency_ms <= 100"));
  scene.samples(1, 20);
  scene.run_for(1s);
  scene.quiet = true;
  scene.step(AgentEvents{"crowd-1", {}, {{scene.now, "latency_ms", 20}}});
  scene.step(AgentEvents{
      "app-1",
      {{scene.now, "service.gave_up", {{"service", "orders"}, {"restarts", 5}, {"why", "exit 3"}}}},
      {{scene.now, "orders.up", 0}}});
  for (int second = 0; second < 4; ++second) {
    scene.run_for(1s);
    scene.step(AgentEvents{"crowd-1", {}, {{scene.now, "latency_ms", 20}}});
    scene.step(AgentEvents{"keys-1", {}, {{scene.now, "cardkeys-primary.up", 1}}});
    scene.step(AgentEvents{"app-1", {}, {{scene.now, "orders.up", 0}}});
  }
  CHECK(waits() ==
        nlohmann::json({"service orders of app-1 is well: it was given up (exit 3), and stays down "
                        "until a runbook's step `restart` starts it"}));
  scene.quiet = false;
  scene.run_for(1s);
  CHECK(waits().empty());
  CHECK(scene.events("incident.closed").size() == 1);
}

TEST_CASE("a fault by hand has the blast radius of a drill") {
  Scene scene;
  scene.agents_up();
  const auto pause = [&](const char* service, int targets_max) {
    return scene.command("fault.apply", {{"kind", "process.pause"},
                                         {"target", {{"service", service}}},
                                         {"for", "30s"},
                                         {"targets_max", targets_max}});
  };
  REQUIRE(pause("orders", 1));
  const auto second = pause("cardkeys-primary", 1);
  REQUIRE(!second);
  CHECK(second.error().message ==
        "the fault is refused: it would break 2 targets at once, targets_max is 1");
  CHECK(pause("cardkeys-primary", 2));
  CHECK(!pause("orders", 0));
}

TEST_CASE("whoever asks, so many of a group stay healthy as it says") {
  Catalog catalog = small_catalog();
  catalog.inventory.nodes["db-1"] = {"db-1", "", "", {"db-a"}, {}, {}};
  catalog.inventory.nodes["db-2"] = {"db-2", "", "", {"db-b"}, {}, {}};
  catalog.inventory.nodes["db-3"] = {"db-3", "", "", {"db-c"}, {}, {}};
  catalog.inventory.nodes["app-1"].links["first"] = {"db-a"};
  catalog.inventory.groups = {{"primaries", {"db-a", "db-b", "db-c"}, 2}};
  const auto refused = [&](const nlohmann::json& target, const char* kind) -> std::string {
    Scene scene(catalog);
    scene.agents_up();
    REQUIRE(scene.command(
        "fault.apply",
        {{"kind", "process.pause"}, {"target", {{"service", "db-b"}}}, {"for", "30s"}}));
    nlohmann::json order = {
        {"kind", kind}, {"target", target}, {"for", "30s"}, {"targets_max", 100}};
    if (kind == std::string("network.partition")) order["params"] = {{"address", "192.0.2.1"}};
    const auto answer = scene.command("fault.apply", order);
    return answer ? "" : answer.error().message;
  };
  const std::string why =
      "the fault is refused: it would leave 1 of 3 healthy in group primaries, min_healthy is 2";
  CHECK(refused({{"service", "db-a"}}, "process.pause") == why);
  CHECK(refused({{"node", "db-1"}}, "network.partition") == why);
  CHECK(refused({{"node", "db-1"}, {"process", "mariadbd"}}, "process.pause") == why);
  CHECK(refused({{"node", "app-1"}, {"link", "first"}}, "link.down") == why);
  CHECK(refused({{"service", "orders"}}, "process.pause") == "");  // nobody's group
}

}  // namespace
}  // namespace panshi::controller
