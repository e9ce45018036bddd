// SPDX-License-Identifier: Apache-2.0
// Promise: each phase is read from one event; what the journal does not show is absent with a
// reason.
#include "controller/events/phases.h"

#include <catch2/catch.hpp>

#include "tests/unit/controller/report/history.h"

namespace panshi::controller {
namespace {

TEST_CASE("the eight phases are timed from the moment the fault was in force") {
  const std::vector<Phase> list = phases(healed_drill().events);
  REQUIRE(list.size() == 8);
  const std::vector<std::int64_t> expected = {0,       140'000, 150'000,   150'500,
                                              160'000, 200'000, 3'000'000, 4'000'000};
  for (std::size_t i = 0; i < list.size(); ++i) {
    INFO(list[i].name);
    CHECK(list[i].since_in_force_us == expected[i]);
    CHECK(list[i].missing.empty());
  }
  CHECK(list[4].took_us == 9'500);
  CHECK(*list[7].share == Approx(0.25));
}

TEST_CASE("a phase that was not seen is absent with a reason, and invents nothing") {
  History h;
  h.add(0, "drill.started").add(10, "fault.live", {{"fault", "f"}}).add(400, "slo.met");
  const nlohmann::json list = phases_json(phases(h.events));
  CHECK(list[2]["since_in_force_ms"].is_null());
  CHECK(list[2]["seq"].is_null());
  CHECK(list[2]["missing"] == "no breach was opened");
  CHECK(list[6]["since_in_force_ms"] == 390.0);
  CHECK(list[6]["took_ms"] == 390.0);
}

TEST_CASE("without a fault every phase is absent for that reason") {
  for (const Phase& phase : phases({})) {
    CHECK_FALSE(phase.at);
    CHECK(phase.missing == "no fault came into force");
  }
}

TEST_CASE("what was wrong before the fault is not taken for its effect") {
  History h;
  h.add(0, "breach.opened").add(5, "run.started").add(10, "fault.live", {{"took_us", 500}});
  const std::vector<Phase> list = phases(h.events);
  CHECK_FALSE(list[2].at);
  CHECK_FALSE(list[3].at);
}

TEST_CASE("a killed service may be missed a moment before its agent reports the fault") {
  History h;
  h.add(10, "fault.live", {{"took_us", 500}}).add(9.8, "breach.opened");
  CHECK(phases(h.events)[2].since_in_force_us == -200);
}

TEST_CASE("whatever follows the intention to inject may be the fault's doing") {
  History h;
  h.add(1, "signal.symptom", {{"rule", "r"}});
  h.add(2, "effect.intended", {{"kind", "inject"}});
  h.add(20, "fault.live", {{"took_us", 500}});
  h.add(10, "signal.symptom", {{"rule", "r"}}).add(30, "breach.opened", {{"rule", "r"}});
  CHECK(phases(h.events)[1].since_in_force_us == -10'000);
}

TEST_CASE("only a reroute or restart that succeeded counts as routed, and no dry run decides") {
  History h;
  h.add(0, "fault.live").add(1, "breach.opened");
  h.add(2, "run.started", {{"run", "dry"}, {"dry_run", true}});
  h.add(3, "run.started", {{"run", "r"}});
  h.add(4, "step.started", {{"run", "r"}, {"step", 0}, {"kind", "mark"}});
  h.add(5, "step.done", {{"run", "r"}, {"step", 0}, {"kind", "mark"}, {"outcome", "ok"}});
  h.add(6, "step.started", {{"run", "r"}, {"step", 1}, {"kind", "reroute"}});
  h.add(7, "step.done", {{"run", "r"}, {"step", 1}, {"kind", "reroute"}, {"outcome", "failed"}});
  std::vector<Phase> list = phases(h.events);
  CHECK(list[3].since_in_force_us == 3000);
  CHECK_FALSE(list[4].at);
  h.add(8, "step.started", {{"run", "r"}, {"step", 2}, {"kind", "restart"}});
  h.add(9, "step.done", {{"run", "r"}, {"step", 2}, {"kind", "restart"}, {"outcome", "ok"}});
  CHECK(phases(h.events)[4].since_in_force_us == 9000);
}

}  // namespace
}  // namespace panshi::controller
