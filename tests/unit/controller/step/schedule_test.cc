// SPDX-License-Identifier: Apache-2.0
// Promise: each due time of a drill day is dealt with exactly once: run, or missed with a reason.
#include <catch2/catch.hpp>

#include "controller/scheduler/scheduler.h"
#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// The scene starts on Friday 2024-10-04, 00:00 UTC.
Catalog with_day(int hour, int minute) {
  Catalog catalog = small_catalog();
  catalog.drill_days.push_back({"weekly", 5, hour, minute, "UTC", {"hang"}, true, 1h});
  return catalog;
}

TEST_CASE("a drill day runs by itself, with the draw that was foretold") {
  Scene scene(with_day(0, 1));
  scene.agents_up();
  const DrillDay& day = scene.catalog.drill_days.front();
  const WallTime due = scene.now + 1min;
  const auto foretold = draw(scene.catalog, day, seed_of(day, due));
  REQUIRE(foretold);
  scene.run_for(59s);
  CHECK(scene.events("drill.started").empty());
  scene.run_for(2s);
  CHECK(scene.only("schedule.due").data["due_us"] == to_us(due));
  const Event& started = scene.only("drill.started");
  CHECK(started.at == due);
  CHECK(started.data["why"] == "scheduled");
  CHECK(started.data["seed"] == (*foretold)["seed"]);
  CHECK(started.data["targets"] == (*foretold)["targets"]);
  scene.crash();
  scene.agents_up();
  scene.run_for(60s);
  CHECK(scene.events("schedule.due").size() == 1);
}

TEST_CASE("a refused drill day is recorded with its reason") {
  Scene scene(with_day(0, 1));
  scene.agents_up();
  REQUIRE(scene.command("halt", {{"reason", "a release"}}));
  scene.run_for(61s);
  CHECK(scene.only("schedule.missed").data["why"] == "hang was not started: halted: a release");
  scene.run_for(60s);
  CHECK(scene.events("schedule.missed").size() == 1);
}

TEST_CASE("after a restart a due time is still run when it is not too old, else recorded") {
  for (const bool too_old : {false, true}) {
    Scene scene(with_day(0, 1));
    scene.now += too_old ? 2h : 30min;
    scene.crash();
    scene.run_for(100ms);
    CHECK(scene.events("drill.started").empty());  // the agents have not reported yet
    scene.agents_up();
    CHECK(scene.events("drill.started").size() == (too_old ? 0 : 1));
    CHECK(scene.events("schedule.missed").size() == (too_old ? 1 : 0));
  }
}

TEST_CASE("a controller that is new on a drill day has missed nothing") {
  Catalog catalog = small_catalog();
  catalog.drill_days.push_back({"weekly", 4, 23, 0, "UTC", {"hang"}, true, 6h});
  Scene scene(catalog);  // an hour after the due time of the week
  scene.agents_up();
  scene.run_for(1s);
  CHECK(scene.events("schedule.missed").empty());
  CHECK(scene.events("drill.started").empty());
}

}  // namespace
}  // namespace panshi::controller
