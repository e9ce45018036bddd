// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/agents/matrix/matrix_endings.h"

#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/base/text.h"
#include "tests/integration/agents/matrix/matrix_measures.h"
#include "tests/support/eventually.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// As tests/e2e/lib.sh has it: PANSHI_DAY=all, or N for the part of another day.
std::optional<std::int64_t> day() {
  const char* given = std::getenv("PANSHI_DAY");
  if (given == nullptr) return to_us(wall_now()) / 86'400'000'000;
  return given == std::string("all") ? std::nullopt : std::optional(std::stoll(given));
}

// As it is listed, which measures anew what can be measured at once.
json measured_now(TestAgent& agent) {
  const json listed = agent.call("GET", "/v1/faults").json;
  for (const json& fault : listed.at("faults")) {
    if (fault.at("id") == "f") return fault.at("measured");
  }
  return json::object();
}

// In force, used, and as it was asked to be.
void put(TestAgent& agent, const json& order) {
  const auto live = agent.call("PUT", "/v1/faults/f", order);
  INFO(live.json);
  REQUIRE(live.status == 200);
  REQUIRE(live.json.at("state") == "live");
  const std::string kind = order.at("kind");
  if (needs_traffic(kind)) MatrixTraffic(agent.address()).use(kind);
  if (!is_measured_at_once(kind)) return;  // but when it ends, which is looked at there
  std::string wrong;
  CHECK(eventually([&] {
    wrong = not_as_asked(kind, measured_now(agent));
    return wrong.empty();
  }));
  CHECK(wrong == "");
}

void kill_with_guardian(const TestAgent& agent) {
  const pid_t pid = agent.pid();
  for (const pid_t each : agent.guardians()) ::kill(each, SIGKILL);
  ::kill(pid, SIGKILL);
}

void wait_until_gone(const TestAgent& agent) {
  REQUIRE(eventually([&] { return agent.pid() == 0; }));
}

bool has_died(const TestAgent& agent) { return fs::exists(agent.folder() / "died"); }

// The agent dies by itself at that stage, and the guardian starts another one.
Ending die_at(Stage stage, const char* name) {
  const bool while_reverting = stage >= Stage::kReverting;
  return {name,
          false,
          true,
          true,
          [while_reverting](TestAgent& agent, const json& order) {
            if (while_reverting) {
              put(agent, order);
              (void)agent.call("POST", "/v1/faults/f/revert", {{"epoch", 1}});
            } else {
              (void)agent.call("PUT", "/v1/faults/f", order);
            }
            REQUIRE(eventually([&] { return has_died(agent); }));
          },
          stage};
}

}  // namespace

const std::vector<Ending>& endings() {
  static const std::vector<Ending> kEndings = {
      {"reverted", true, false, true,
       [](TestAgent& agent, const json& order) {
         put(agent, order);
         // Some need more than one try: a primary that lost its place must be a replica first.
         CHECK(eventually([&] {
           const auto ended = agent.call("POST", "/v1/faults/f/revert", {{"epoch", 1}});
           return ended.json.at("state") == "reverted";
         }));
       }},
      {"revert-all", true, false, true,
       [](TestAgent& agent, const json& order) {
         put(agent, order);
         (void)agent.call("POST", "/v1/revert-all", {{"epoch", 1}, {"reason", "abort"}});
       }},
      {"the controller is gone",
       false,
       false,
       true,
       [](TestAgent& agent, json order) {
         order["lease_ms"] = 1'000;  // some take longer until they are in force
         CHECK(agent.call("PUT", "/v1/faults/f", order).status == 200);
       },
       {},
       true},
      {"the agent is killed and revived", false, true, true,
       [](TestAgent& agent, const json& order) {
         put(agent, order);
         agent.signal(SIGKILL);
       }},
      {"the agent is killed, the guardian reverts", false, false, false,
       [](TestAgent& agent, const json& order) {
         put(agent, order);
         agent.signal(SIGKILL);
       }},
      {"agent and guardian are killed, revert-all by hand", false, false, false,
       [](TestAgent& agent, const json& order) {
         put(agent, order);
         kill_with_guardian(agent);
         wait_until_gone(agent);
         const Ended reverted = agent.run({"revert-all", "--config", "{config}"});
         INFO(reverted.output);
         CHECK(reverted.code == 0);
       }},
      {"agent and guardian are killed, a fresh start", false, false, true,
       [](TestAgent& agent, const json& order) {
         put(agent, order);
         kill_with_guardian(agent);
         wait_until_gone(agent);
         agent.start();
       }},
      die_at(Stage::kBeforeIntent, "dies before the intent is written"),
      die_at(Stage::kIntent, "dies between intent and apply"),
      die_at(Stage::kApplied, "dies right after apply"),
      die_at(Stage::kReverting, "dies before it mends"),
      die_at(Stage::kReverted, "dies when it has mended, before it is remembered"),
      die_at(Stage::kRemembered, "dies before the undo record goes"),
  };
  return kEndings;
}

std::vector<Ending> main_endings() {
  std::vector<Ending> chosen = endings();
  std::erase_if(chosen, [](const Ending& each) {
    const std::string_view name = each.name;
    return name != "reverted" && name != "agent and guardian are killed, a fresh start" &&
           name != "the agent is killed, the guardian reverts";
  });
  return chosen;
}

bool has_its_turn(const Ending& ending, std::int64_t kind) {
  static const std::optional<std::int64_t> kDay = day();
  if (!kDay || !ending.dies_at) return true;
  return static_cast<std::int64_t>(*ending.dies_at) % 3 == (*kDay + kind) % 3;
}

}  // namespace panshi::agent
