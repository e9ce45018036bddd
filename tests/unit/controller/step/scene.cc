// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/controller/step/scene.h"

#include <stdexcept>

#include "core/model/check.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

Json comparison(const char* signal, const char* is, double value) {
  return {{"signal", signal}, {"is", is}, {"value", value}};
}

const char* kRules =
    R"({"rules": [{"name": "slow", "title": "Keys are slow", "signal": "latency_ms",
  "is": ">", "value": 150, "clear_when": {"is": "<=", "value": 100}, "clear_for": "2s",
  "target": {"service": "cardkeys-primary"}}]})";

const char* kRunbook = R"({"name": "failover", "title": "To the standby",
  "trigger": {"breach": "slow"}, "cooldown": "10s", "runs_max": {"count": 3, "within": "1h"},
  "steps": [
    {"name": "route", "reroute": {"node": "app-1", "link": "cardkeys", "to": "standby",
     "established": "reset"}, "timeout": "2s", "retries": 1},
    {"name": "mark", "mark": {"service": "cardkeys-primary", "as": "degraded"}},
    {"name": "tell", "notify": {"channel": "log", "message": "on the standby"},
     "on_failure": "continue"},
    {"name": "repair", "script": {"node": "keys-1", "name": "repair.sh"}},
    {"name": "wait", "wait_for": {"signal": "cardkeys-primary.up", "is": "==", "value": 1,
     "for": "1s"}, "timeout": "30s"},
    {"name": "unmark", "mark": {"service": "cardkeys-primary", "as": "ok"}}]})";

}  // namespace

Json hang_document() {
  return {
      {"name", "hang"},
      {"title", "The key service hangs"},
      {"steady_state", {{"within", "5s"}, {"checks", {comparison("success_ratio", ">=", 0.9)}}}},
      {"faults",
       {{{"id", "freeze"},
         {"kind", "process.pause"},
         {"target", {{"service", "cardkeys-primary"}}},
         {"for", "4s"}}}},
      {"limits", {{"targets_max", 1}}},
      {"expect",
       {{{"breach", "slow"}, {"within", "2s"}},
        {{"run", "failover"}},
        {{"signal", "success_ratio"}, {"is", ">="}, {"value", 0.9}, {"during", "recovered"}}}},
      {"abort_if", {comparison("success_ratio", "<", 0.2)}},
      {"recover_within", "20s"},
      {"settle", "1s"},
      {"audit", {{"node", "crowd-1"}, {"program", "ledger-audit"}, {"timeout", "10s"}}}};
}

Catalog small_catalog() {
  Catalog catalog;
  auto& nodes = catalog.inventory.nodes;
  nodes["keys-1"] = {"keys-1", "", "", {"cardkeys-primary"}, {}, {}};
  nodes["app-1"] = {"app-1", "", "", {"orders"}, {{"cardkeys", {"primary", "standby"}}}, {}};
  nodes["crowd-1"] = {"crowd-1", "", "", {}, {}, {"ledger-audit"}};
  Problems problems;
  for (Rule& rule : read_rules(Json::parse(kRules), problems)) catalog.rules[rule.name] = rule;
  Runbook runbook = read_runbook(Json::parse(kRunbook), problems);
  catalog.runbooks[runbook.name] = runbook;
  catalog.scenarios["hang"] = read_scenario(hang_document(), problems);
  check_scenario(catalog.scenarios["hang"], {&catalog.inventory, nullptr, nullptr, nullptr},
                 problems);
  if (!problems.empty()) throw std::logic_error(problems.error().message);
  return catalog;
}

Scene::Scene(Catalog catalog_in) : catalog(std::move(catalog_in)), world(catalog) {
  fleet = [this](const Effect& effect) { return do_well(effect); };
  step(Restarted{"test"});
}

EffectDone Scene::do_well(const Effect& effect) const {
  EffectDone done{effect.id, "ok", "", Json::object(), now};
  if (effect.kind == EffectKind::kInject) {
    done.result = {{"id", effect.subject}, {"state", "live"}, {"measured", shown_effect}};
  }
  if (effect.kind == EffectKind::kRevert)
    done.result = {{"id", effect.subject}, {"state", "reverted"}};
  if (effect.kind == EffectKind::kClear) {
    done.result = {{"id", effect.subject}, {"state", "cleared"}, {"cleared", {"it"}}};
  }
  if (effect.kind == EffectKind::kAct) done.result = {{"id", effect.subject}, {"state", "ok"}};
  if (effect.kind == EffectKind::kAct && effect.body["kind"] == "program") {
    done.result["result"] = {{"exit_code", 0}, {"output_json", {{"verdict", audit_verdict}}}};
  }
  return done;
}

Stepped Scene::step(const Input& input) {
  Stepped out = world.step(input, now);
  for (Event event : out.events) {
    event.seq = static_cast<std::int64_t>(journal.size()) + 1;
    journal.push_back(event);
  }
  for (const Effect& effect : out.effects) {
    asked.push_back(effect);
    waiting_.push_back(effect);
  }
  return out;
}

void Scene::carry_out() {
  while (!waiting_.empty()) {
    const Effect effect = waiting_.front();
    waiting_.pop_front();
    if (const auto done = fleet(effect)) step(*done);
  }
}

void Scene::agent_up(const std::string& node, Json faults, Json actions) {
  Json services = Json::array();
  Json links = Json::array();
  for (const std::string& name : catalog.inventory.nodes.at(node).services) {
    services.push_back({{"name", name}, {"state", "ready"}, {"age_us", 2'000'000}});
  }
  for (const auto& [name, upstreams] : catalog.inventory.nodes.at(node).links) {
    links.push_back({{"name", name}});
  }
  step(AgentState{node,
                  {{"node", node},
                   {"start_id", "s-1"},
                   {"services", std::move(services)},
                   {"links", std::move(links)},
                   {"faults", std::move(faults)},
                   {"actions", std::move(actions)}}});
  carry_out();
}

void Scene::agents_up() {
  for (const auto& [name, node] : catalog.inventory.nodes) agent_up(name);
}

void Scene::samples(double ratio, double latency) {
  success_ratio = ratio;
  latency_ms = latency;
  step(AgentEvents{"crowd-1", {}, {{now, "success_ratio", ratio}, {now, "latency_ms", latency}}});
  carry_out();
  step(AgentEvents{"keys-1", {}, {{now, "cardkeys-primary.up", 1}}});
  step(AgentEvents{"app-1", {}, {{now, "orders.up", 1}}});
  carry_out();
}

void Scene::run_for(Duration duration) {
  const WallTime end = now + duration;
  while (now < end) {
    now += 100ms;
    if (!quiet) samples(success_ratio, latency_ms);
    if (const auto due = world.next_deadline(); due && *due <= now) step(Tick{});
    carry_out();
  }
}

Result<Json> Scene::command(const std::string& verb, Json body) {
  const Stepped out = step(Command{verb, std::move(body)});
  carry_out();
  return *out.answer;
}

void Scene::restart(Duration calendar_ahead) {
  waiting_.clear();
  world = World(catalog, effect_tag);
  for (const Event& event : journal) world.apply(event);
  step(Restarted{.version = "test", .calendar_ahead = calendar_ahead});
}

std::vector<Event> Scene::events(const std::string& kind) const {
  std::vector<Event> found;
  for (const Event& event : journal) {
    if (event.kind == kind) found.push_back(event);
  }
  return found;
}

const Event& Scene::only(const std::string& kind) const {
  const Event* found = nullptr;
  for (const Event& event : journal) {
    if (event.kind != kind) continue;
    if (found) throw std::logic_error("more than one " + kind);
    found = &event;
  }
  if (!found) throw std::logic_error("no " + kind);
  return *found;
}

std::vector<Effect> Scene::effects(EffectKind kind) const {
  std::vector<Effect> found;
  for (const Effect& effect : asked) {
    if (effect.kind == kind) found.push_back(effect);
  }
  return found;
}

}  // namespace panshi::controller
