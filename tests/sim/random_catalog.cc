// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/random_catalog.h"

#include <stdexcept>

#include "core/base/text.h"
#include "core/model/check.h"

namespace panshi::sim {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

std::string pick_duration(Random& random, std::initializer_list<const char*> choices) {
  return *(choices.begin() + random.below(choices.size()));
}

Json random_rules(Random& random) {
  return {{"rules",
           {{{"name", "keys-slow"},
             {"title", "Keys are slow"},
             {"signal", "latency_ms"},
             {"is", ">"},
             {"value", 150},
             {"for", pick_duration(random, {"0ms", "300ms", "1s"})},
             {"clear_for", pick_duration(random, {"0ms", "1s"})},
             {"target", {{"service", "keys"}}}},
            {{"name", "orders-down"},
             {"title", "Orders are down"},
             {"signal", "orders.up"},
             {"is", "<"},
             {"value", 1},
             {"over", "1s"},
             {"aggregate", "min"},
             {"target", {{"service", "orders"}}}}}}};
}

Json step(const char* kind, Json what, Random& random) {
  Json json = {{"name", cat("to ", kind)}, {kind, std::move(what)}, {"timeout", "2s"}};
  json["retries"] = random.below(3);
  if (random.chance(30)) json["on_failure"] = "continue";
  if (random.chance(30)) json["idempotent"] = random.chance(50);
  return json;
}

Json random_runbook(Random& random, const char* name, const char* breach) {
  Json steps = Json::array();
  const auto count = 1 + random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    switch (random.below(6)) {
      case 0:
        steps.push_back(
            step("restart", {{"service", random.chance(50) ? "keys" : "orders"}}, random));
        break;
      case 1:
        steps.push_back(
            step("reroute", {{"node", "app"}, {"link", "keys"}, {"to", "standby"}}, random));
        break;
      case 2:
        steps.push_back(step(
            "mark", {{"service", "keys"}, {"as", random.chance(50) ? "ok" : "degraded"}}, random));
        break;
      case 3:
        steps.push_back(step("script", {{"node", "db"}, {"name", "repair.sh"}}, random));
        break;
      case 4:
        steps.push_back(step("wait_for",
                             {{"signal", "keys.up"}, {"is", "=="}, {"value", 1}, {"for", "500ms"}},
                             random));
        break;
      default:
        steps.push_back(step("notify", {{"channel", "log"}, {"message", "it happened"}}, random));
    }
  }
  return {{"name", name},
          {"title", name},
          {"trigger", {{"breach", breach}}},
          {"cooldown", pick_duration(random, {"0ms", "2s", "10s"})},
          {"runs_max", {{"count", 1 + random.below(4)}, {"within", "30s"}}},
          {"steps", std::move(steps)}};
}

Json random_fault(Random& random, std::uint64_t number) {
  Json fault = {{"id", cat("x", number)},
                {"at", pick_duration(random, {"0ms", "500ms", "2s"})},
                {"for", pick_duration(random, {"500ms", "3s", "6s"})}};
  switch (random.below(3)) {
    case 0:
      fault["kind"] = "process.pause";
      fault["target"] = {{"service", {{"any_of", {"keys", "standby", "orders"}}}}};
      break;
    case 1:
      fault["kind"] = "process.kill";
      fault["target"] = {{"service", "orders"}};
      break;
    default:
      fault["kind"] = "link.delay";
      fault["target"] = {{"node", "app"}, {"link", "keys"}};
  }
  return fault;
}

Json random_scenario(Random& random, const char* name) {
  Json faults = Json::array();
  const auto count = 1 + random.below(3);
  for (std::uint64_t i = 0; i < count; ++i) faults.push_back(random_fault(random, i));
  Json scenario = {
      {"name", name},
      {"title", name},
      {"steady_state",
       {{"within", "5s"},
        {"checks", {{{"signal", "success_ratio"}, {"is", ">="}, {"value", 0.9}, {"over", "1s"}}}}}},
      {"faults", std::move(faults)},
      {"limits", {{"targets_max", 1 + random.below(2)}}},
      {"recover_within", "8s"},
      {"settle", "500ms"}};
  if (random.chance(50)) {
    scenario["expect"] = {{{"breach", "keys-slow"}, {"within", "2s"}}, {{"run", "failover"}}};
  }
  if (random.chance(30)) {
    scenario["abort_if"] = {{{"signal", "success_ratio"}, {"is", "<"}, {"value", 0.4}}};
  }
  if (random.chance(60)) {
    scenario["audit"] = {{"node", "db"}, {"program", "ledger-audit"}, {"timeout", "5s"}};
  }
  return scenario;
}

}  // namespace

Catalog random_catalog(Random& random) {
  Catalog catalog;
  auto& nodes = catalog.inventory.nodes;
  nodes["app"] = {"app", "", "", {"orders"}, {{"keys", {"primary", "standby"}}}, {}};
  nodes["keys"] = {"keys", "", "", {"keys", "standby"}, {}, {}};
  nodes["db"] = {"db", "", "", {"database"}, {}, {"ledger-audit"}};
  Problems problems;
  for (Rule& rule : read_rules(random_rules(random), problems)) catalog.rules[rule.name] = rule;
  catalog.runbooks["failover"] =
      read_runbook(random_runbook(random, "failover", "keys-slow"), problems);
  catalog.runbooks["restart"] =
      read_runbook(random_runbook(random, "restart", "orders-down"), problems);
  if (random.chance(30)) {
    catalog.runbooks["rival"] =
        read_runbook(random_runbook(random, "rival", "keys-slow"), problems);
  }
  for (const char* name : {"one", "two"}) {
    catalog.scenarios[name] = read_scenario(random_scenario(random, name), problems);
  }
  if (random.chance(30)) {
    catalog.drill_days.push_back(
        {"day", 5, 0, 1, "UTC", {"one", "two"}, true, random.chance(50) ? 5s : Duration(1h)});
  }
  if (!problems.empty()) throw std::logic_error(problems.error().message);
  return catalog;
}

}  // namespace panshi::sim
