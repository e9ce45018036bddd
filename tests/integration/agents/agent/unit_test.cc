// SPDX-License-Identifier: Apache-2.0
// Promise: a service that is a unit of systemd is started, watched, broken and stopped like one of
// the agent's own, but goes on when the agent ends. systemd is played by a script here; the
// real one is asked in tests/integration/agents/systemd.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/text.h"
#include "core/io/files.h"
#include "tests/integration/agents/agent/test_agent.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

// start, show, stop and kill of one unit, whose main process is a sleep that leads a session.
constexpr const char* kSystemctl = R"sh(#!/bin/sh
cd {folder}
echo "$*" >> calls
alive() { [ -s pid ] && grep -q sleep "/proc/$(cat pid)/cmdline" 2>/dev/null; }  # no zombie
case $1 in
  start)
    [ -e broken ] && { echo "Job for web.service failed."; exit 1; }
    alive && exit 0
    rm -f pid
    env -i PATH="$PATH" setsid sh -c 'echo $$ > pid; exec sleep 1000' </dev/null >/dev/null 2>&1 &
    until [ -s pid ]; do :; done ;;
  show) if alive; then cat pid; else echo 0; fi ;;
  stop) if alive; then kill "$(cat pid)"; fi ;;
  kill) if alive; then kill -KILL "$(cat pid)"; fi ;;
esac
exit 0
)sh";

constexpr const char* kUnit = R"(
systemctl: {folder}/systemctl
services:
  - {name: web, systemd: web.service, restart: {backoff: 20ms}, stop: {within: 1s}}
)";

struct Unit {
  Unit() : agent(kUnit, true) {
    std::string text = kSystemctl;
    const std::string mark = "{folder}";
    text.replace(text.find(mark), mark.size(), agent.folder().string());
    std::ofstream(agent.folder() / "systemctl") << text;
    std::filesystem::permissions(agent.folder() / "systemctl", std::filesystem::perms::owner_all);
  }
  ~Unit() {
    if (pid() > 0) ::kill(pid(), SIGKILL);
  }
  pid_t pid() const {
    const auto text = read_file(agent.folder() / "pid");
    const auto pid =
        text ? parse_integer(text->substr(0, text->find('\n'))) : Result<std::int64_t>(0);
    return pid ? static_cast<pid_t>(*pid) : 0;
  }
  bool runs() const { return pid() > 0 && is_alive(name_process(pid()).value_or(ProcessName{})); }
  std::string calls() const { return read_file(agent.folder() / "calls").value_or(""); }

  TestAgent agent;
};

}  // namespace

TEST_CASE("a unit is started by systemctl, its main process is the service, and it is stopped") {
  Unit unit;
  unit.agent.start();
  REQUIRE(unit.agent.becomes("web", "ready"));
  CHECK(unit.agent.service("web").at("pid") == unit.pid());
  CHECK(unit.calls() == "start web.service\nshow --property=MainPID --value web.service\n");
  const json stop = {
      {"epoch", 1}, {"kind", "stop"}, {"params", {{"service", "web"}}}, {"timeout_ms", 10'000}};
  CHECK(unit.agent.call("PUT", "/v1/actions/a1", stop).status / 100 == 2);
  CHECK(unit.agent.becomes("web", "stopped"));
  CHECK_FALSE(unit.runs());
}

TEST_CASE("a unit that systemd restarted is found again, and one that ended is started") {
  Unit unit;
  unit.agent.start();
  REQUIRE(unit.agent.becomes("web", "ready"));
  const pid_t first = unit.pid();
  ::kill(first, SIGKILL);
  CHECK(unit.agent.await_event("service.exited", "web").at("pid") == first);
  const json ready = unit.agent.await_event("service.ready", "web");
  CHECK(ready.at("pid") == unit.pid());
  CHECK(ready.at("pid") != first);
}

TEST_CASE("a unit goes on when its agent ends, and the next agent takes it as it is") {
  Unit unit;
  unit.agent.start();
  REQUIRE(unit.agent.becomes("web", "ready"));
  const pid_t pid = unit.pid();
  unit.agent.signal(SIGTERM);
  CHECK(eventually([&] { return unit.agent.pid() == 0; }));
  CHECK(unit.runs());
  unit.agent.start();
  REQUIRE(unit.agent.becomes("web", "ready"));
  CHECK(unit.agent.service("web").at("pid") == pid);
}

TEST_CASE("a unit that cannot be started is given up, with what systemd said in the log") {
  Unit unit;
  std::ofstream(unit.agent.folder() / "broken") << "yes";
  unit.agent.start();
  const json event = unit.agent.await_event("service.gave_up", "web");
  REQUIRE(event.is_object());
  CHECK_THAT(read_file(unit.agent.folder() / "state/logs/web.log").value(),
             Catch::Contains("Job for web.service failed."));
}

TEST_CASE("a fault that changes how a service starts is refused for a unit, a pause is not") {
  Unit unit;
  unit.agent.start();
  REQUIRE(unit.agent.becomes("web", "ready"));
  const auto fault = [&](const std::string& kind, json params) {
    return unit.agent.call("PUT", "/v1/faults/f-" + kind.substr(8),
                           {{"kind", kind},
                            {"target", {{"service", "web"}}},
                            {"params", std::move(params)},
                            {"lease_ms", 60'000},
                            {"epoch", 1},
                            {"drill", "d1"}});
  };
  const auto refused = fault("process.exit-code", {{"code", 1}});
  CHECK(refused.status == 409);
  CHECK_THAT(refused.json.dump(), Catch::Contains("a unit of systemd"));
  CHECK(fault("process.pause", json::object()).status == 200);
  CHECK(process_state(unit.pid()) == 'T');
  CHECK(unit.agent.call("POST", "/v1/faults/f-pause/revert", {{"epoch", 1}}).status == 200);
  CHECK(eventually([&] { return process_state(unit.pid()) == 'S'; }));
}

}  // namespace panshi::agent
