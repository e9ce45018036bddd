// SPDX-License-Identifier: Apache-2.0
// Promise: each due time of a drill day is dealt with exactly once: run, or missed with a reason.
#include <catch2/catch.hpp>
#include <functional>

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

TEST_CASE("a missed day is told to people and shown until the next run") {
  Scene scene(with_day(0, 1));
  scene.agents_up();
  REQUIRE(scene.command("halt", {{"reason", "a release"}}));
  scene.run_for(61s);
  const auto day = [&] { return scene.world.view(scene.now)["schedule"][0]; };
  CHECK(day()["missed"] == Json({{"due_us", to_us(WallTime(24h * 20'000) + 1min)},
                                 {"why", "hang was not started: halted: a release"}}));
  const auto told = scene.effects(EffectKind::kNotify);
  REQUIRE(told.size() == 1);
  CHECK(told[0].body["message"] ==
        "drill day weekly missed 2024-10-04T00:01:00Z: hang was not started: halted: a release");
  REQUIRE(scene.command("resume", Json::object()));
  scene.now += 24h * 7 - 2s;
  scene.run_for(2s);
  REQUIRE(scene.events("drill.started").size() == 1);
  CHECK(day()["missed"].is_null());
}

TEST_CASE("a day that something passing is in the way of waits within its time") {
  for (const bool ends : {true, false}) {
    Scene scene(with_day(0, 1));
    scene.catalog.drill_days.front().missed_within = 2min;
    scene.agents_up();
    scene.samples(1, 400);  // an incident
    scene.run_for(65s);
    CHECK(scene.events("schedule.missed").empty());
    CHECK(scene.world.view(scene.now)["schedule"][0]["held"] ==
          "hang was not started: incident i-1 is open on cardkeys-primary");
    if (ends) scene.samples(1, 20);
    scene.run_for(2min);
    CHECK(scene.events("drill.started").size() == (ends ? 1 : 0));
    CHECK(scene.events("schedule.missed").size() == (ends ? 0 : 1));
    if (!ends) {
      CHECK(scene.only("schedule.missed").data["why"] ==
            "hang was not started: incident i-1 is open on cardkeys-primary");
    }
    CHECK(scene.world.view(scene.now)["schedule"][0]["held"] == "");
  }
}

TEST_CASE("of two days due at once the second follows the first") {
  Catalog catalog = with_day(0, 1);
  catalog.drill_days.push_back(catalog.drill_days.front());
  catalog.drill_days.back().name = "other";
  Scene scene(catalog);
  scene.agents_up();
  scene.run_for(5min);
  CHECK(scene.events("drill.started").size() == 2);
  CHECK(scene.events("schedule.missed").empty());
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

// The controller is started anew with another configuration.
void restart_with(Scene& scene, const std::function<void(DrillDay&)>& change) {
  change(scene.catalog.drill_days.front());
  scene.crash();
  scene.agents_up();
  scene.run_for(1s);
}

TEST_CASE("a day that was disabled when its time came does not fire when it is enabled") {
  Catalog catalog = with_day(0, 1);
  catalog.drill_days.front().enabled = false;
  Scene scene(catalog);
  scene.agents_up();
  scene.run_for(10min);
  restart_with(scene, [](DrillDay& day) { day.enabled = true; });
  CHECK(scene.events("drill.started").empty());
  CHECK(scene.events("schedule.missed").empty());
  scene.now += 24h * 7 - 10min;  // the next week's
  scene.run_for(2min);
  CHECK(scene.events("drill.started").size() == 1);
}

TEST_CASE("a day that is new, or moved to a time already past today, waits for the next") {
  Scene scene(with_day(12, 0));
  scene.agents_up();
  scene.run_for(10min);
  restart_with(scene, [](DrillDay& day) { day.hour = 0, day.minute = 5; });
  CHECK(scene.events("drill.started").empty());
  restart_with(scene, [](DrillDay& day) { day.name = "other", day.minute = 6; });
  CHECK(scene.events("drill.started").empty());
}

TEST_CASE("a clock set forward past a due time runs it late, or records it as missed") {
  for (const bool far : {false, true}) {
    Scene scene(with_day(1, 0));
    scene.agents_up();
    scene.run_for(1s);
    scene.step(ClockMoved{far ? 3h : 80min});
    scene.run_for(1s);
    CHECK(scene.events("drill.started").size() == (far ? 0 : 1));
    CHECK(scene.events("schedule.missed").size() == (far ? 1 : 0));
    if (far) {
      CHECK(scene.only("schedule.missed").data["why"] ==
            "the clock was set past it, or the machine slept");
    }
  }
}

TEST_CASE("a clock set back does not run a day twice") {
  Scene scene(with_day(1, 0));
  scene.agents_up();
  scene.step(ClockMoved{1h});  // 01:00 by the calendar
  scene.run_for(1s);
  REQUIRE(scene.events("schedule.due").size() == 1);
  scene.step(ClockMoved{0h});
  scene.run_for(60s);
  scene.now += 59min;  // 01:00 once more
  scene.run_for(60s);
  CHECK(scene.events("schedule.due").size() == 1);
  CHECK(scene.only("schedule.missed").data["why"] ==
        "it was run already, when the clock was ahead");
  scene.crash();
  scene.agents_up();
  scene.run_for(1s);
  CHECK(scene.events("schedule.due").size() == 1);
}

TEST_CASE("a day that a clock ahead of time has missed still comes") {
  Scene scene(with_day(1, 0));
  scene.agents_up();
  scene.run_for(1s);
  scene.step(ClockMoved{24h});
  scene.run_for(1s);
  CHECK(scene.only("schedule.missed").data["due_us"] == to_us(scene.now - 2s + 1h));
  scene.step(ClockMoved{0h});
  scene.now += 1h;
  scene.run_for(1s);
  CHECK(scene.events("schedule.due").size() == 1);
}

TEST_CASE("a clock that was years ahead for a while does not freeze the schedule") {
  for (const bool restart : {false, true}) {
    Scene scene(with_day(1, 0));
    scene.agents_up();
    scene.run_for(1s);
    scene.step(ClockMoved{24h * 3'650});
    scene.run_for(1s);
    // Planned anew while the clock was wrong: the plan must not wait for that year.
    if (restart) {
      scene.catalog.drill_days.front().minute = 30;
      scene.restart(24h * 3'650);
    }
    scene.step(ClockMoved{0h});
    scene.agents_up();
    const auto started = scene.events("drill.started").size();
    scene.now += restart ? 90min : 1h;
    scene.run_for(1s);
    CHECK(scene.events("drill.started").size() == started + 1);
  }
}

TEST_CASE("a journal that is ahead of the calendar is no calendar") {
  Scene scene(with_day(1, 0));
  scene.agents_up();
  scene.run_for(1s);
  scene.now += 24h * 3'650;  // the journal's newest time, by a clock that was wrong
  scene.crash();
  const auto missed = scene.events("schedule.missed").size();
  scene.restart(-24h * 3'650);
  scene.agents_up();
  scene.run_for(1s);
  CHECK(scene.events("schedule.missed").size() == missed);
  scene.now += 1h;
  scene.run_for(1s);
  CHECK(scene.events("drill.started").size() == 1);
}

}  // namespace
}  // namespace panshi::controller
