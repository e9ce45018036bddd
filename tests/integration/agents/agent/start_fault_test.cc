// SPDX-License-Identifier: Apache-2.0
// The promise under test: faults on how a service is started act through its supervisor, and the
// service runs as configured when they are reverted, also when the agent died meanwhile.
#include <signal.h>

#include <catch2/catch.hpp>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr const char* kBody = R"(services:
  - name: clock
    command:
      - /bin/sh
      - -c
      - "cd {folder}; while :; do date +%s > new && mv new now; sleep 0.05; done"
    restart: {policy: always, backoff: 10ms, backoff_max: 20ms, give_up_after: 1000, within: 1m}
)";

json put(TestAgent& agent, const std::string& kind, const json& params) {
  const auto answer = agent.call("PUT", "/v1/faults/f1",
                                 {{"epoch", 1},
                                  {"kind", kind},
                                  {"target", {{"service", "clock"}}},
                                  {"params", params},
                                  {"lease_ms", 60'000}});
  INFO(answer.json);
  REQUIRE(answer.status == 200);
  REQUIRE(answer.json.at("state") == "live");
  return answer.json;
}

json revert(TestAgent& agent) {
  const auto answer = agent.call("POST", "/v1/faults/f1/revert", {{"epoch", 1}});
  CHECK(answer.json.at("state") == "reverted");
  return answer.json;
}

// What the service takes for the time is this far from it, give or take a minute.
bool clock_is_off_by(const TestAgent& agent, std::int64_t seconds) {
  return eventually([&] {
    const auto text = read_file(agent.folder() / "now").value_or("");
    const auto told = parse_integer(text.substr(0, text.find('\n')));
    const std::int64_t now = to_us(SystemClock().wall()) / 1'000'000;
    return told && std::abs(*told - now - seconds) < 60;
  });
}

bool is_skewed(pid_t pid) {
  return read_file(cat("/proc/", pid, "/environ")).value_or("").find("FAKETIME") !=
         std::string::npos;
}

// What libfaketime keeps in shared memory for that process.
bool has_library_files(pid_t pid) {
  return std::filesystem::exists(cat("/dev/shm/faketime_shm_", pid)) ||
         std::filesystem::exists(cat("/dev/shm/sem.faketime_sem_", pid));
}

void needs(TestAgent& agent, const std::string& kind) {
  const json kinds = agent.call("GET", "/v1/faults/kinds").json.at("kinds");
  for (const json& each : kinds) {
    if (each.at("name") != kind || each.at("possible") == true) continue;
    skip_case(cat(kind, ": ", each.at("why_not").get<std::string>()));
  }
}

TEST_CASE("a restarted service is another process, and nothing has failed") {
  TestAgent agent(kBody);
  agent.start();
  REQUIRE(agent.becomes("clock", "ready"));
  const pid_t before = agent.service("clock").at("pid");
  const json live = put(agent, "process.restart", json::object());
  CHECK(live.at("measured").at("gone") == live.at("measured").at("processes"));
  REQUIRE(agent.becomes("clock", "ready"));
  CHECK(agent.service("clock").at("pid") != before);
  CHECK(agent.service("clock").at("restarts") == 0);
  revert(agent);
}

TEST_CASE("a service in a crash loop is killed as often as was ordered, and then runs") {
  TestAgent agent(kBody);
  agent.start();
  REQUIRE(agent.becomes("clock", "ready"));
  put(agent, "process.crash-loop", {{"after", "0ms"}, {"times", 4}});
  CHECK(eventually([&] {
    return agent.call("GET", "/v1/faults").json.at("faults")[0].at("measured").at("kills") == 4;
  }));
  CHECK(revert(agent).at("measured").at("kills") == 4);
  CHECK(agent.becomes("clock", "ready"));
}

TEST_CASE("a service that is to end with a code does so at each start, until it is reverted") {
  TestAgent agent(kBody);
  agent.start();
  REQUIRE(agent.becomes("clock", "ready"));
  put(agent, "process.exit-code", {{"code", 78}});
  CHECK(agent.await_event("service.exited", "clock").at("code") == 78);
  CHECK(agent.await_event("service.exited", "clock").at("code") == 78);
  CHECK(revert(agent).at("measured").at("starts") >= 2);
  REQUIRE(agent.becomes("clock", "ready"));
  CHECK(clock_is_off_by(agent, 0));
}

TEST_CASE("a service's clock is wrong by what was asked for, and right again afterwards") {
  TestAgent agent(kBody);
  agent.start();
  REQUIRE(agent.becomes("clock", "ready"));
  needs(agent, "time.skew");
  const auto& [direction, seconds] =
      GENERATE(table<std::string, std::int64_t>({{"ahead", 7'200}, {"behind", -7'200}}));
  const json live =
      put(agent, "time.skew", {{"offset", "2h"}, {"direction", direction}, {"rate", 150}});
  CHECK(live.at("measured").at("loaded") == true);
  for (const json& effect : live.at("measured").at("effects")) {
    INFO(effect);
    CHECK(effect.at("met") == true);
  }
  CHECK(clock_is_off_by(agent, seconds));
  const pid_t skewed = agent.service("clock").at("pid");
  CHECK(has_library_files(skewed));
  revert(agent);
  REQUIRE(agent.becomes("clock", "ready"));
  CHECK_FALSE(has_library_files(skewed));
  CHECK(clock_is_off_by(agent, 0));
  CHECK_FALSE(is_skewed(agent.service("clock").at("pid")));
}

TEST_CASE("a service whose clock is wrong has the right one after its agent was killed") {
  TestAgent agent(kBody, true);
  agent.start();
  REQUIRE(agent.becomes("clock", "ready"));
  needs(agent, "time.skew");
  put(agent, "time.skew", {{"offset", "2h"}});
  const pid_t skewed = agent.service("clock").at("pid");
  REQUIRE(is_skewed(skewed));
  agent.signal(SIGKILL);
  CHECK(eventually([&] {
    const json service = agent.service("clock");
    return !service.is_null() && service.at("state") == "ready" && service.at("pid") != skewed;
  }));
  CHECK_FALSE(is_skewed(agent.service("clock").at("pid")));
  CHECK(eventually([&] { return !has_library_files(skewed); }));
}

constexpr const char* kStays = R"(services:
  - {name: clock, command: ["/bin/sleep", "1000"], restart: {policy: never}, stop: {within: 300ms}}
)";

void stop_by_action(TestAgent& agent) {
  const json stop = {
      {"epoch", 1}, {"kind", "stop"}, {"params", {{"service", "clock"}}}, {"timeout_ms", 10'000}};
  REQUIRE(agent.call("PUT", "/v1/actions/a1", stop).status / 100 == 2);
  REQUIRE(agent.becomes("clock", "stopped"));
}

TEST_CASE("a service that is stopped and marked while a fault is on stays so after the revert") {
  for (const char* kind : {"process.kill", "process.pause", "process.exit-code"}) {
    INFO(kind);
    TestAgent agent(kStays);
    agent.start();
    REQUIRE(agent.becomes("clock", "ready"));
    put(agent, kind, json::object());
    const json mark = {{"epoch", 1},
                       {"kind", "mark"},
                       {"params", {{"service", "clock"}, {"as", "degraded"}}},
                       {"timeout_ms", 10'000}};
    REQUIRE(agent.call("PUT", "/v1/actions/a0", mark).status / 100 == 2);
    stop_by_action(agent);
    revert(agent);
    CHECK(agent.service("clock").at("state") == "stopped");
    CHECK(agent.service("clock").at("mark") == "degraded");
    const json start = {{"epoch", 1},
                        {"kind", "start"},
                        {"params", {{"service", "clock"}}},
                        {"timeout_ms", 10'000}};
    REQUIRE(agent.call("PUT", "/v1/actions/a2", start).status / 100 == 2);
    CHECK(agent.becomes("clock", "ready"));
  }
}

TEST_CASE(
    "a service that is stopped on purpose stays so when the agent dies with a fault in force") {
  TestAgent agent(kStays, true);
  agent.start();
  REQUIRE(agent.becomes("clock", "ready"));
  put(agent, "process.kill", json::object());
  stop_by_action(agent);
  const pid_t before = agent.pid();
  agent.signal(SIGKILL);
  REQUIRE(eventually(
      [&] { return agent.pid() != before && agent.call("GET", "/v1/healthz").status == 200; }));
  CHECK(eventually([&] {
    return agent.call("GET", "/v1/faults").json.at("faults").at(0).at("state") == "reverted";
  }));
  CHECK(agent.service("clock").at("state") == "stopped");
  REQUIRE(agent.stop());  // a person ends the agent, and starts it again: all services are meant
  agent.start();
  CHECK(agent.becomes("clock", "ready"));
}

}  // namespace
}  // namespace panshi::agent
