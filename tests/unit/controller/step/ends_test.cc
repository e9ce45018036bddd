// SPDX-License-Identifier: Apache-2.0
// Promise: the journal says when and why a fault ended as its agent saw it, whoever was frozen or
// dead meanwhile; and of a fault that nobody knows the end of it says that.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/controller/step/scene.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

const Json kPause = {{"kind", "process.pause"}, {"target", {{"service", "orders"}}}, {"for", "5s"}};

std::int64_t us(Duration duration) { return duration.count(); }

// As an agent has the fault f-1 when it is over.
Json over(const char* reason, Duration live_age, Duration ended_age) {
  return {{"id", "f-1"},
          {"kind", "process.pause"},
          {"target", {{"service", "orders"}}},
          {"known", true},
          {"state", "reverted"},
          {"reason", reason},
          {"live_age_us", us(live_age)},
          {"ended_age_us", us(ended_age)}};
}

Json unknown_to_agent() {
  return {{"id", "f-1"}, {"kind", ""}, {"known", false}, {"state", "reverted"}};
}

bool is_open(const Scene& scene, const std::string& incident) {
  const auto closed = scene.events("incident.closed");
  return std::none_of(closed.begin(), closed.end(),
                      [&](const Event& event) { return event.incident == incident; });
}

TEST_CASE("an end by lease stands as such when the answer to our revert comes before its event") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) {
    auto done = well(effect);
    if (effect.kind == EffectKind::kRevert) done->result = over("lease", 9s, 7s);
    return done;
  };
  const WallTime live = scene.only("fault.live").at;
  scene.now += 9s;  // frozen
  scene.step(Tick{});
  scene.run_for(100ms);
  const Event end = scene.only("fault.reverted");
  CHECK(end.data["reason"] == "lease");
  CHECK(end.at - live >= 2s);
  CHECK(end.at - live < 3s);
  scene.step(AgentEvents{
      "app-1", {{end.at, "fault.reverted", {{"fault", "f-1"}, {"reason", "lease"}}}}, {}});
  CHECK(scene.events("fault.reverted").size() == 1);
}

TEST_CASE("a fault comes into force once, however often its agent is out of sight") {
  Scene scene;
  scene.agents_up();
  scene.samples(1, 20);
  REQUIRE(scene.command("fault.apply", kPause));
  const WallTime live = scene.only("fault.live").at;
  for (const Duration away : {1s, 2s}) {
    scene.step(AgentLost{"app-1", "no answer"});
    scene.now += 200ms;
    CHECK(scene.world.view(scene.now)["faults"]["f-1"]["state"] == "unknown");
    const Json fault = {{"id", "f-1"},
                        {"kind", "process.pause"},
                        {"target", {{"service", "orders"}}},
                        {"state", "live"},
                        {"live_age_us", us(scene.now - live)}};
    scene.agent_up("app-1", Json::array({fault}));
    CHECK(scene.world.view(scene.now)["faults"]["f-1"]["state"] != "unknown");
    CHECK(scene.events("fault.live").size() == 1);
    REQUIRE(scene.events("fault.seen").size() == static_cast<std::size_t>(away / 1s));
    CHECK(scene.events("fault.seen").back().at == scene.now);
  }
}

TEST_CASE("what an agent's successor reverted was in force, and the journal says so") {
  Scene scene;
  scene.agents_up();
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind == EffectKind::kInject) return std::nullopt;
    return well(effect);
  };
  REQUIRE(scene.command("fault.apply", kPause));
  const WallTime intended = scene.events("effect.intended").back().at;
  scene.now += 2s;
  scene.agent_up("app-1", Json::array({over("agent_start", 1500ms, 500ms)}));
  CHECK(scene.only("fault.live").at == intended + 500ms);
  CHECK(scene.only("fault.reverted").at == intended + 1500ms);
  CHECK(scene.only("fault.reverted").data["reason"] == "agent_start");
}

TEST_CASE("an end that is told as an event says since when, when nobody had told that before") {
  Scene scene;
  scene.agents_up();
  scene.fleet = [](const Effect&) { return std::nullopt; };
  REQUIRE(scene.command("fault.apply", kPause));
  const WallTime intended = scene.events("effect.intended").back().at;
  scene.now += 2s;
  const auto told = [&](WallTime at, Duration lasted) {
    const Json data = {{"fault", "f-1"}, {"reason", "agent_start"}, {"live_for_us", us(lasted)}};
    scene.step(AgentEvents{"app-1", {{at, "fault.reverted", data}}, {}});
  };
  told(intended + 1500ms, 1s);
  CHECK(scene.only("fault.live").at == intended + 500ms);
  CHECK(scene.only("fault.reverted").at == intended + 1500ms);
}

TEST_CASE("what a new run of an agent does not know while the order is on its way is not over") {
  Scene scene;
  scene.agents_up();
  scene.fleet = [](const Effect&) { return std::nullopt; };
  REQUIRE(scene.command("fault.apply", kPause));
  scene.step(AgentLost{"app-1", "no answer"});
  scene.now += 1s;
  scene.agent_up("app-1", Json::array());
  CHECK(scene.events("fault.reverted").empty());
  scene.run_for(10s);  // no answer within its time
  scene.agent_up("app-1", Json::array());
  CHECK(scene.only("fault.reverted").data["reason"] == "its agent never got it");
}

TEST_CASE("an order whose repeat finds the fault over already was in force between") {
  Scene scene;
  scene.agents_up();
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    return EffectDone{effect.id, "failed", "the fault was reverted already",
                      over("agent_start", 300ms, 100ms), scene.now};
  };
  REQUIRE(scene.command("fault.apply", kPause));
  scene.run_for(100ms);
  CHECK(scene.events("fault.live").size() == 1);
  CHECK(scene.only("fault.reverted").data["reason"] == "agent_start");
}

TEST_CASE("a fault that was never in force is not told as live") {
  Scene scene;
  scene.agents_up();
  scene.fleet = [](const Effect&) { return std::nullopt; };
  REQUIRE(scene.command("fault.apply", kPause));
  Json never = over("asked", 0s, 0s);
  never["live_age_us"] = nullptr;
  scene.agent_up("app-1", Json::array({never}));
  CHECK(scene.events("fault.live").empty());
  CHECK(scene.events("fault.reverted").size() == 1);
}

TEST_CASE("a fault in force that its agent does not know is lost and cleared by its kind's way") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  const auto well = scene.fleet;
  bool works = false;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind == EffectKind::kClear && !works) {
      return EffectDone{effect.id, "failed", "left over: files", Json::object(), scene.now};
    }
    return well(effect);
  };
  scene.agent_up("app-1");
  CHECK(scene.only("fault.lost").data["fault"] == "f-1");
  CHECK(scene.world.view(scene.now)["faults"]["f-1"]["state"] == "unknown");
  const Effect clear = scene.effects(EffectKind::kClear).at(0);
  CHECK(clear.subject == "f-1");
  CHECK(clear.body["kind"] == "process.pause");
  CHECK(clear.body["target"]["service"] == "orders");
  const Event incident = scene.only("incident.opened");
  CHECK(incident.data["faults"] == Json{"f-1"});
  CHECK(scene.effects(EffectKind::kNotify).at(0).body["page"] == true);
  scene.run_for(10s);
  CHECK(scene.effects(EffectKind::kClear).size() > 1);  // it goes on trying
  CHECK(scene.effects(EffectKind::kClear).size() < 8);  // at growing pauses
  CHECK(scene.events("fault.reverted").empty());
  CHECK(is_open(scene, incident.incident));
  works = true;
  scene.run_for(40s);
  CHECK(scene.only("fault.reverted").data["reason"] == "cleared without its undo record");
  CHECK_FALSE(is_open(scene, incident.incident));
}

TEST_CASE("a fault that nothing can clear ends when a person says so, and a halt waits for it") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  CHECK_FALSE(scene.command("fault.close", {{"fault", "f-1"}, {"reason", "gone"}}));  // it is known
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.kind == EffectKind::kClear) {
      return EffectDone{effect.id, "failed", "left over: files", Json::object(), scene.now};
    }
    return well(effect);
  };
  scene.agent_up("app-1");
  REQUIRE(scene.only("fault.lost").data["fault"] == "f-1");
  const std::string incident = scene.only("incident.opened").incident;
  REQUIRE(scene.command("halt", Json::object()));
  scene.run_for(1s);
  const Json unconfirmed = scene.world.view(scene.now)["halt_unconfirmed"];
  REQUIRE(unconfirmed.size() == 1);
  CHECK(unconfirmed[0]["node"] == "app-1");
  CHECK(unconfirmed[0]["why"].get<std::string>().find("fault f-1 is not known to be over") == 0);
  CHECK_FALSE(scene.command("fault.close", {{"fault", "f-1"}}));  // why?
  REQUIRE(scene.command("fault.close",
                        {{"fault", "f-1"}, {"reason", "put right"}, {"by", "night-shift"}}));
  CHECK(scene.only("fault.reverted").data["reason"] == "closed by night-shift: put right");
  scene.run_for(100ms);
  CHECK_FALSE(is_open(scene, incident));
  CHECK(scene.world.view(scene.now)["halt_unconfirmed"].empty());
  CHECK_FALSE(scene.command("fault.close", {{"fault", "f-1"}, {"reason", "again"}}));
}

TEST_CASE("a fault that may still be refused is neither in force nor lost") {
  Scene scene;
  scene.agents_up();
  scene.fleet = [](const Effect&) { return std::nullopt; };
  REQUIRE(scene.command("fault.apply", kPause));
  const std::string effect = scene.effects(EffectKind::kInject).at(0).id;
  scene.now += 100ms;
  scene.agent_up("app-1", Json::array({{{"id", "f-1"}, {"known", true}, {"state", "applying"}}}));
  CHECK(scene.events("fault.live").empty());
  scene.step(EffectDone{effect, "failed", "the account lacks SUPER", Json::object(), scene.now});
  scene.agent_up("app-1");
  CHECK(scene.events("fault.live").empty());
  CHECK(scene.events("fault.lost").empty());
  CHECK(scene.world.view(scene.now)["faults"]["f-1"]["state"] == "failed");
}

TEST_CASE("that a fault is in force is told once, however late the agent's own word comes") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  scene.run_for(6s);
  const WallTime end = scene.only("fault.reverted").at;
  scene.step(AgentEvents{"app-1", {{end + 50ms, "fault.live", {{"fault", "f-1"}}}}, {}});
  CHECK(scene.events("fault.live").size() == 1);
  CHECK(scene.world.view(scene.now)["faults"]["f-1"]["state"] == "reverted");
}

TEST_CASE("an agent that says to our revert that it does not know the fault has lost it") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) {
    auto done = well(effect);
    if (effect.kind == EffectKind::kRevert) done->result = unknown_to_agent();
    return done;
  };
  REQUIRE(scene.command("fault.revert", {{"fault", "f-1"}}));
  scene.run_for(100ms);
  CHECK(scene.only("fault.lost").data["fault"] == "f-1");
  for (const Event& event : scene.events("fault.reverted")) {
    CHECK(event.data["reason"] == "cleared without its undo record");
  }
}

TEST_CASE("a fault that its agent cannot revert is an incident that pages until it is reverted") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  scene.fleet = [](const Effect&) { return std::nullopt; };
  const auto says = [&](const char* error) {
    scene.step(AgentEvents{
        "app-1", {{scene.now, "fault.stuck", {{"fault", "f-1"}, {"error", error}}}}, {}});
  };
  says("Access denied for user chaos");
  says("Access denied for user chaos");  // said again: no news
  const Event opened = scene.only("incident.opened");
  CHECK(opened.data["title"] == "agent app-1 cannot revert f-1: Access denied for user chaos");
  CHECK(scene.effects(EffectKind::kNotify).size() == 1);
  const Json fault = scene.world.view(scene.now)["faults"]["f-1"];
  CHECK(fault["stuck"] == true);
  CHECK(fault["revert_error"] == "Access denied for user chaos");
  CHECK(fault["reason"] == "cannot be reverted: Access denied for user chaos");
  says("server has gone away");
  CHECK(scene.events("incident.opened").size() == 1);
  scene.step(AgentEvents{
      "app-1", {{scene.now, "fault.reverted", {{"fault", "f-1"}, {"reason", "lease"}}}}, {}});
  CHECK(scene.world.view(scene.now)["faults"]["f-1"]["stuck"] == false);
  CHECK_FALSE(is_open(scene, opened.incident));
}

TEST_CASE("an agent lost with a fault in force is an incident that pages until its end is known") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  scene.step(AgentLost{"keys-1", "no answer"});
  CHECK(scene.events("incident.opened").empty());  // nothing is in force there
  scene.step(AgentLost{"app-1", "no answer"});
  const Event incident = scene.only("incident.opened");
  CHECK(incident.data["title"] == "agent app-1 was lost while it had in force: f-1");
  CHECK(scene.effects(EffectKind::kNotify).at(0).body["page"] == true);
  scene.run_for(3s);
  CHECK(is_open(scene, incident.incident));
  scene.agent_up("app-1", Json::array({over("agent_start", 4s, 1s)}));
  scene.run_for(100ms);
  CHECK_FALSE(is_open(scene, incident.incident));
  CHECK(scene.events("incident.opened").size() == 1);
}

TEST_CASE("a fault on a host that is gone for good is closed by a person, and ends its incident") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  scene.step(AgentLost{"app-1", "no answer"});
  const std::string incident = scene.only("incident.opened").incident;
  REQUIRE(scene.command("halt", Json::object()));
  CHECK(scene.world.view(scene.now)["halt_unconfirmed"].size() == 1);
  REQUIRE(scene.command("fault.close", {{"fault", "f-1"}, {"reason", "its disk burnt"}}));
  scene.run_for(100ms);
  CHECK_FALSE(is_open(scene, incident));
}

TEST_CASE("an agent lost before it said what came of an order may have the fault in force") {
  Scene scene;
  scene.agents_up();
  scene.fleet = [](const Effect&) { return std::nullopt; };
  REQUIRE(scene.command("fault.apply", kPause));
  scene.step(AgentLost{"app-1", "no answer"});
  scene.run_for(10s);
  CHECK(scene.only("incident.opened").data["title"] ==
        "agent app-1 was lost while it may have in force: f-1");
}

TEST_CASE("an incident of an unseen fault that a person closed stays closed") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  scene.step(AgentLost{"app-1", "no answer"});
  const std::string id = scene.only("incident.opened").incident;
  REQUIRE(scene.command("incident.close", {{"incident", id}, {"reason", "the host is gone"}}));
  scene.run_for(2s);
  CHECK(scene.events("incident.opened").size() == 1);
}

TEST_CASE("a restart of the controller is no loss of its agents") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  scene.crash();
  CHECK(scene.events("incident.opened").empty());
}

TEST_CASE("what an agent does not know of a fault that it reverted is not journaled as known") {
  Scene scene;
  scene.agents_up();
  REQUIRE(scene.command("fault.apply", kPause));
  const auto well = scene.fleet;
  scene.fleet = [&](const Effect& effect) {
    auto done = well(effect);
    if (effect.kind == EffectKind::kRevert) {
      done->result = over("asked", 2s, 0s);
      done->result.update({{"kind", ""}, {"target", nullptr}, {"measured", nullptr}});
    }
    return done;
  };
  scene.run_for(10s);
  const Event& end = scene.only("fault.reverted");
  for (const char* key : {"kind", "target", "measured"}) CHECK_FALSE(end.data.contains(key));
}

TEST_CASE("a status that was told before a fault was in force does not make it lost") {
  Scene scene;
  scene.agents_up();
  const WallTime told = scene.now;
  scene.run_for(1s);
  REQUIRE(scene.command("fault.apply", kPause));
  scene.run_for(1s);
  const Json status = {{"node", "app-1"}, {"start_id", "s-1"}, {"faults", Json::array()}};
  scene.step(AgentState{"app-1", status, told});
  CHECK(scene.events("fault.lost").empty());
  scene.step(AgentState{"app-1", status, scene.now});
  CHECK(scene.events("fault.lost").size() == 1);
}

TEST_CASE("a halt asks every agent until it has confirmed and names those that have not") {
  Scene scene;
  scene.agents_up();
  const auto well = scene.fleet;
  bool frozen = true;
  scene.fleet = [&](const Effect& effect) -> std::optional<EffectDone> {
    if (effect.node == "app-1" && frozen) return std::nullopt;
    return well(effect);
  };
  REQUIRE(scene.command("halt", {{"reason", "sale"}}));
  scene.run_for(100ms);
  const auto unconfirmed = [&] { return scene.world.view(scene.now)["halt_unconfirmed"]; };
  REQUIRE(unconfirmed().size() == 1);
  CHECK(unconfirmed()[0]["node"] == "app-1");
  scene.run_for(20s);
  CHECK(unconfirmed()[0]["why"] == "no answer within its time");
  CHECK(scene.effects(EffectKind::kRevertAll).size() > 4);
  frozen = false;
  scene.run_for(40s);
  CHECK(unconfirmed().empty());
  const std::size_t asked = scene.effects(EffectKind::kRevertAll).size();
  scene.run_for(40s);
  CHECK(scene.effects(EffectKind::kRevertAll).size() == asked);
  REQUIRE(scene.command("resume", Json::object()));
  CHECK(unconfirmed().empty());
}

TEST_CASE("a halt goes on asking after a restart of the controller") {
  Scene scene;
  scene.agents_up();
  scene.fleet = [](const Effect&) { return std::nullopt; };
  REQUIRE(scene.command("halt", Json::object()));
  const auto asked = [&](const std::string& node) {
    const auto all = scene.effects(EffectKind::kRevertAll);
    return std::count_if(all.begin(), all.end(), [&](const auto& one) { return one.node == node; });
  };
  CHECK(scene.effects(EffectKind::kRevertAll).size() == 3);
  scene.crash();
  scene.agent_up("app-1");  // its status says that nothing is live: as good as its answer
  scene.agent_up("keys-1", {{{"id", "f-1"}, {"kind", "process.pause"}, {"state", "live"}}});
  scene.run_for(30s);  // crowd-1 is not heard of
  CHECK(asked("app-1") == 1);
  CHECK(asked("keys-1") > 1);
  CHECK(asked("crowd-1") > 1);
  CHECK(scene.world.view(scene.now)["halt_unconfirmed"].size() == 2);
}

}  // namespace
}  // namespace panshi::controller
