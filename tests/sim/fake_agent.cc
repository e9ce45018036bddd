// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/fake_agent.h"

#include "core/base/text.h"

namespace panshi::sim {

using namespace std::chrono_literals;
using Json = nlohmann::json;

void FakeAgent::tell(WallTime at, std::string kind, Json data) {
  events.push_back({++seq_, {at, std::move(kind), std::move(data)}});
}

void FakeAgent::end(FakeFault& fault, const char* reason, WallTime now) {
  fault.state = "reverted";
  fault.reason = reason;
  fault.ended_at = now;
}

Json FakeAgent::fault_json(const std::string& id, WallTime now) const {
  const FakeFault& fault = faults.at(id);
  const bool over = fault.was_live && fault.state != "live";
  return {{"id", id},
          {"kind", fault.kind},
          {"target", fault.target},
          {"known", !fault.kind.empty()},  // it was asked to revert what it never got
          {"state", fault.state},
          {"error", ""},
          {"measured", fault.measured},
          {"reason", fault.reason},
          {"live_age_us", fault.was_live ? Json((now - fault.live_since).count()) : Json()},
          {"ended_age_us", over ? Json((now - fault.ended_at).count()) : Json()}};
}

void FakeAgent::revert(const std::string& id, const char* reason, WallTime now) {
  FakeFault& fault = faults[id];
  const bool was_live = fault.state == "live";
  if (was_live) {
    end(fault, reason, now);
  } else {
    fault.state = "reverted";
  }
  if (was_live)
    tell(now, "fault.reverted",
         {{"fault", id}, {"reason", reason}, {"measured", fault.measured}, {"took_us", 5}});
}

void FakeAgent::tick(WallTime now) {
  if (!alive) return;
  for (auto& [id, fault] : faults) {
    if (fault.state == "live" && fault.lease_until <= now) revert(id, "lease", fault.lease_until);
  }
  for (auto& [id, action] : actions) {
    if (action.state != "running" || action.done_at > now) continue;
    action.state = random_.chance(10) ? "failed" : "ok";
    if (action.state == "ok" && action.body["kind"] == "reroute") {
      routes[action.body["params"]["link"].get<std::string>()] = action.body["params"]["to"];
    }
    Json data = action_json(id);
    data["action"] = id;
    tell(action.done_at, "action.done", std::move(data));
  }
}

Json FakeAgent::action_json(const std::string& id) const {
  const FakeAction& action = actions.at(id);
  Json json = {{"id", id}, {"kind", action.body["kind"]}, {"state", action.state}, {"error", ""}};
  if (action.state == "failed") json["error"] = "it did not work";
  if (action.body["kind"] == "program" && action.state == "ok") {
    json["result"] = {{"output_json", {{"verdict", "valid"}}}};
  }
  return json;
}

FakeAgent::Answer FakeAgent::put_fault(const controller::Effect& effect, WallTime now) {
  auto known = faults.find(effect.subject);
  if (known == faults.end()) {
    FakeFault fault;
    fault.kind = effect.body["kind"];
    fault.target = effect.body["target"];
    fault.drill = effect.body["drill"];
    fault.state = random_.chance(5) ? "failed" : "live";
    fault.live_since = now;
    fault.was_live = fault.state == "live";
    fault.lease_until = now + std::chrono::milliseconds(effect.body["lease_ms"].get<int>());
    const int hit = random_.chance(95) ? 1 : 0;
    fault.measured = {
        {"stopped", hit}, {"gone", hit}, {"effects", {{{"met", hit == 1}, {"measured", hit}}}}};
    known = faults.emplace(effect.subject, fault).first;
    const Json data = {{"fault", effect.subject},
                       {"kind", fault.kind},
                       {"target", fault.target},
                       {"measured", fault.measured}};
    if (fault.state == "live") tell(now, "fault.live", data);
    if (fault.state == "failed") {
      tell(now, "fault.failed", {{"fault", effect.subject}, {"error", "not possible here"}});
    }
  }
  return {"ok", "", fault_json(known->first, now)};
}

FakeAgent::Answer FakeAgent::put_action(const controller::Effect& effect, WallTime now) {
  if (!actions.contains(effect.subject)) {
    const auto takes = std::chrono::milliseconds(random_.chance(10) ? 4'000 : random_.below(300));
    actions[effect.subject] = {effect.body, "running", now + takes};
  }
  return {"ok", "", action_json(effect.subject)};
}

FakeAgent::Answer FakeAgent::handle(const controller::Effect& effect, std::int64_t from,
                                    WallTime now) {
  tick(now);
  if (from < epoch) return {"failed", "epoch is lower than one seen"};
  epoch = from;
  if (effect.kind == controller::EffectKind::kInject) return put_fault(effect, now);
  if (effect.kind == controller::EffectKind::kAct) return put_action(effect, now);
  if (effect.kind == controller::EffectKind::kRevert) {
    revert(effect.subject, "asked", now);
    return {"ok", "", fault_json(effect.subject, now)};
  }
  Json reverted = Json::array();
  Json told = Json::array();
  for (auto& [id, fault] : faults) {
    if (fault.state != "live") continue;
    revert(id, "revert_all", now);
    reverted.push_back(id);
    told.push_back(fault_json(id, now));
  }
  return {"ok", "", {{"reverted", reverted}, {"failed", Json::array()}, {"faults", told}}};
}

void FakeAgent::renew(const std::vector<std::string>& ids, Duration lease, std::int64_t from,
                      WallTime now) {
  tick(now);
  if (from < epoch) return;
  epoch = from;
  for (const std::string& id : ids) {
    const auto fault = faults.find(id);
    if (fault != faults.end() && fault->second.state == "live") {
      fault->second.lease_until = now + lease;
    }
  }
}

Json FakeAgent::status(WallTime now) const {
  Json json = {{"node", name},
               {"start_id", cat("s-", starts)},
               {"services", Json::array()},
               {"faults", Json::array()},
               {"actions", Json::array()}};
  for (const auto& [id, fault] : faults) {
    json["faults"].push_back(fault_json(id, now));
  }
  for (const auto& [id, action] : actions) json["actions"].push_back(action_json(id));
  return json;
}

void FakeAgent::crash(WallTime now) {
  tick(now);
  for (auto& [id, fault] : faults) {
    if (fault.state == "live") end(fault, "agent_start", now);
  }
  for (auto& [id, action] : actions) {
    if (action.state == "running") action.state = "failed";
  }
  alive = false;
  events.clear();
}

void FakeAgent::start(WallTime now) {
  alive = true;
  starts += 1;
  seq_ = 0;
  tell(now, "agent.started", {{"recovered", Json::array()}, {"adopted", Json::array()}});
}

bool FakeAgent::is_broken(const std::string& service) const {
  for (const auto& [id, fault] : faults) {
    if (fault.state == "live" && fault.target.value("service", "") == service) return true;
  }
  return false;
}

}  // namespace panshi::sim
