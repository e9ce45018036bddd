// SPDX-License-Identifier: Apache-2.0
// Promise: services run while the agent says so, whoever crashes; and nothing is left when it ends.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr const char* kTwo = R"(
services:
  - name: shop
    command: [/bin/sh, -c, "(trap '' TERM; exec sleep 1000) & echo selling; exec sleep 1001"]
    after: [database]
  - name: database
    prepare: [[/bin/sh, -c, "echo prepared >> {folder}/prepared"]]
    command: [/bin/sleep, "1000"]
    restart: {backoff: 20ms}
)";

pid_t pid_of(TestAgent& agent, const std::string& service) {
  return agent.service(service).value("pid", 0);
}

TEST_CASE("services are prepared once, start in order, and all end with the agent") {
  TestAgent agent(kTwo);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const std::string log = agent.log();
  CHECK(log.find(R"(service.ready {"pid":)") < log.find(R"("service":"shop")"));
  CHECK(eventually([&] {
    return read_file(agent.folder() / "state/logs/shop.log").value_or("") == "selling\n";
  }));
  CHECK(agent.everything().size() == 5);  // agent, guardian, shop with a stubborn child, database
  CHECK(agent.stop());
  CHECK(agent.everything().empty());

  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(read_file(agent.folder() / "prepared").value() == "prepared\n");
}

TEST_CASE("the end of a service is an event, and it is started again") {
  TestAgent agent(kTwo);
  agent.start();
  REQUIRE(agent.becomes("database", "ready"));
  const pid_t pid = pid_of(agent, "database");
  ::kill(pid, SIGKILL);
  const json event = agent.await_event("service.exited", "database");
  CHECK(event == json{{"service", "database"}, {"pid", pid}, {"code", -1}, {"signal", SIGKILL}});
  CHECK(agent.await_event("service.ready", "database").at("pid") != pid);
  CHECK(agent.service("database").at("restarts") == 1);
}

TEST_CASE("a service that cannot stay up is given up, and its log is named") {
  TestAgent agent(R"(
services:
  - name: broken
    command: [/bin/sh, -c, "echo no such disk; exit 7"]
    restart: {backoff: 1ms, backoff_max: 2ms, give_up_after: 3}
)");
  agent.start();
  const json event = agent.await_event("service.gave_up", "broken");
  REQUIRE(event.is_object());
  CHECK(event.at("restarts") == 3);
  CHECK_THAT(agent.log(), Catch::Contains("ended with code 7, given up; its log: ") &&
                              Catch::Contains("state/logs/broken.log"));
}

TEST_CASE("a killed agent is back by itself and adopts its services") {
  TestAgent agent(kTwo, true);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t first = agent.pid();
  const pid_t shop = pid_of(agent, "shop");
  const pid_t database = pid_of(agent, "database");
  agent.signal(SIGKILL);
  REQUIRE(eventually([&] { return agent.pid() != 0 && agent.pid() != first; }));
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(pid_of(agent, "shop") == shop);
  CHECK(pid_of(agent, "database") == database);
  CHECK(agent.await_event("agent.started", "").at("adopted") == json{"shop", "database"});

  ::kill(database, SIGKILL);  // an adopted one is watched like any other
  CHECK(agent.await_event("service.exited", "database").at("pid") == database);
  CHECK(agent.await_event("service.ready", "database").at("pid") != database);
  CHECK(agent.stop());
}

TEST_CASE("what was launched but not yet recorded when the agent died is adopted too") {
  TestAgent agent(kTwo);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t shop = pid_of(agent, "shop");
  agent.signal(SIGKILL);
  // Once the guardian has reverted: the shop with its child, and the database.
  REQUIRE(eventually([&] { return agent.pid() == 0 && agent.everything().size() == 3; }));
  std::filesystem::remove(agent.folder() / "state/services/shop.json");
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(pid_of(agent, "shop") == shop);
}

TEST_CASE("a stranger's process that calls itself a service is not taken for one") {
  TestAgent agent(kTwo);
  const std::string state = (agent.folder() / "state").string();
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    ::setpgid(0, 0);
    const std::string says = "PANSHI_STATE=" + state;
    ::execl("/usr/bin/env", "env", says.c_str(), "PANSHI_SERVICE=shop", "PANSHI_NONCE=0",
            "/bin/sleep", "1000", nullptr);
    ::_exit(1);
  }
  REQUIRE(eventually(
      [&] { return read_file(cat("/proc/", stranger, "/comm")).value_or("") == "sleep\n"; }));
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(pid_of(agent, "shop") != stranger);
  CHECK(agent.await_event("agent.started", "").at("adopted").empty());
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST_CASE("what a service knew of itself makes no other process the service once it has ended") {
  TestAgent agent(kTwo);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t shop = pid_of(agent, "shop");
  // All of its environment, as its own user can read it.
  std::vector<std::string> environment =
      split(read_file(cat("/proc/", shop, "/environ")).value(), '\0');
  const pid_t old = agent.pid();
  ::kill(old, SIGSTOP);
  for (const pid_t guardian : agent.guardians()) ::kill(guardian, SIGKILL);
  ::kill(old, SIGKILL);
  ::kill(shop, SIGKILL);
  REQUIRE(eventually([&] { return agent.pid() == 0 && agent.guardians().empty(); }));
  const pid_t poser = ::fork();
  if (poser == 0) {
    ::setpgid(0, 0);
    std::vector<char*> words;
    for (std::string& each : environment) words.push_back(each.empty() ? nullptr : each.data());
    words.push_back(nullptr);
    char* arguments[] = {const_cast<char*>("/usr/bin/tail"), const_cast<char*>("-f"),
                         const_cast<char*>("/dev/null"), nullptr};
    ::execve(arguments[0], arguments, words.data());
    ::_exit(1);
  }
  REQUIRE(eventually(
      [&] { return read_file(cat("/proc/", poser, "/comm")).value_or("") == "tail\n"; }));
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(pid_of(agent, "shop") != poser);
  ::kill(poser, SIGKILL);
  ::waitpid(poser, nullptr, 0);
}

// Where the process is in the cgroup v2 hierarchy, as a folder; "" when it is gone.
std::string cgroup_of(pid_t pid) {
  std::string mount;
  for (const std::string& line : split(read_file("/proc/self/mountinfo").value(), '\n')) {
    const auto words = split(line, ' ');
    if (line.find(" - cgroup2 ") != std::string::npos && words.at(3) == "/") mount = words.at(4);
  }
  const auto text = read_file("/proc/" + std::to_string(pid) + "/cgroup");
  for (const std::string& line : split(text.value_or(""), '\n')) {
    if (line.starts_with("0::")) return mount + line.substr(3);
  }
  return "";
}

void skip_without_groups(const TestAgent& agent) {
  if (agent.log().find("services get no control groups") == std::string::npos) return;
  skip_case("no cgroup v2 hierarchy in which this account may make groups");
}

TEST_CASE("a daemon that left its service's process group is known, and ends with the service") {
  TestAgent agent(R"(
cgroups: true
services:
  - name: shop
    command: [/bin/sh, -c, "setsid sleep 1002 & exec sleep 1003"]
    restart: {backoff: 20ms}
)");
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  skip_without_groups(agent);
  const pid_t leader = pid_of(agent, "shop");
  const std::string group = cgroup_of(leader);
  const auto members = [&] { return split(read_file(group + "/cgroup.procs").value_or(""), '\n'); };
  REQUIRE(group.ends_with("/shop"));
  REQUIRE(eventually([&] { return members().size() >= 3; }));  // two, and the end of the text
  const auto paused = agent.call("PUT", "/v1/faults/f1",
                                 {{"epoch", 1},
                                  {"kind", "process.pause"},
                                  {"target", {{"service", "shop"}}},
                                  {"params", json::object()},
                                  {"lease_ms", 60'000},
                                  {"drill", ""}});
  REQUIRE(paused.status == 200);
  CHECK(paused.json.at("measured").at("stopped") == 2);
  REQUIRE(agent.call("POST", "/v1/faults/f1/revert", {{"epoch", 1}}).status == 200);

  const std::vector<std::string> before = members();
  ::kill(leader, SIGKILL);
  CHECK(eventually([&] {
    const auto now = members();
    return now.size() >= 3 && std::none_of(now.begin(), now.end() - 1, [&](const auto& pid) {
             return std::find(before.begin(), before.end(), pid) != before.end();
           });
  }));
  CHECK(agent.stop());
  CHECK(agent.everything().empty());
  CHECK_FALSE(std::filesystem::exists(group));
  CHECK_FALSE(std::filesystem::exists(std::filesystem::path(group).parent_path()));
}

// An agent dies between starting a service and giving it a group.
TEST_CASE("an adopted service that is in no group of its own is given one") {
  TestAgent agent(R"(
cgroups: true
services:
  - {name: shop, command: [/bin/sh, -c, "sleep 1002 & exec sleep 1003"]}
)");
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  skip_without_groups(agent);
  const pid_t leader = pid_of(agent, "shop");
  const std::string group = cgroup_of(leader);
  agent.signal(SIGKILL);
  REQUIRE(eventually([&] { return agent.pid() == 0 && agent.everything().size() == 2; }));
  for (const pid_t pid : agent.everything()) {
    std::ofstream(std::filesystem::path(group).parent_path().parent_path() / "cgroup.procs") << pid;
  }
  REQUIRE(cgroup_of(leader) != group);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  CHECK(pid_of(agent, "shop") == leader);
  CHECK(cgroup_of(leader) == group);
  CHECK(split(read_file(group + "/cgroup.procs").value_or(""), '\n').size() == 3);  // and ""
}

TEST_CASE("an action restarts, stops and starts a service, each once") {
  TestAgent agent(kTwo);
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const pid_t first = pid_of(agent, "database");
  const auto act = [&](const std::string& id, const std::string& kind) {
    const json body = {{"epoch", 1},
                       {"kind", kind},
                       {"params", {{"service", "database"}}},
                       {"timeout_ms", 10'000}};
    CHECK(agent.call("PUT", "/v1/actions/" + id, body).status / 100 == 2);
    REQUIRE(eventually(
        [&] { return agent.call("GET", "/v1/actions/" + id).json.at("state") != "running"; }));
    return agent.call("PUT", "/v1/actions/" + id, body).json.at("state");
  };
  CHECK(act("a1", "restart") == "ok");
  const pid_t second = pid_of(agent, "database");
  CHECK(second != first);
  CHECK(act("a1", "restart") == "ok");
  CHECK(pid_of(agent, "database") == second);
  CHECK(act("a2", "stop") == "ok");
  CHECK(agent.service("database").at("state") == "stopped");
  CHECK(act("a3", "start") == "ok");
  CHECK(agent.service("database").at("state") == "ready");
}

TEST_CASE("a second agent with the same state is refused and names the first") {
  TestAgent agent(kTwo);
  agent.start();
  const Ended second = agent.run({"--config", "{config}"});
  CHECK(second.code == 1);
  CHECK_THAT(second.output, Catch::Contains(std::to_string(agent.pid())));
  CHECK(agent.becomes("shop", "ready"));
}

// Every id of a process, as the kernel has them: real, effective, saved, of files.
std::string ids_of(pid_t pid, const char* line) {
  const std::string status = read_file(cat("/proc/", pid, "/status")).value_or("");
  const auto at = status.find(cat("\n", line, ":\t"));
  if (at == std::string::npos) return "";
  const auto begin = at + std::string_view(line).size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

TEST_CASE("a service, a script and a program run as the user that is named, and as no other") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  constexpr const char* kBody = R"(
scripts: scripts
scripts_user: nobody
programs:
  who: {command: [/usr/bin/id, -un], user: nobody}
  us: {command: [/usr/bin/id, -un]}
services:
  - name: mine
    command: [/bin/sleep, "1000"]
  - name: theirs
    user: nobody
    prepare: [[/bin/sh, -c, "id -un; pwd; echo $HOME $USER"]]
    command: [/bin/sleep, "1001"]
    restart: {backoff: 20ms}
)";
  TestAgent agent(kBody, true);
  std::filesystem::create_directory(agent.folder() / "scripts");
  std::filesystem::permissions(agent.folder(), std::filesystem::perms(0755));
  std::ofstream(agent.folder() / "scripts/who.sh") << "#!/bin/sh\nid -un\nid -Gn\n";
  std::filesystem::permissions(agent.folder() / "scripts/who.sh", std::filesystem::perms(0755));
  agent.start();
  REQUIRE(agent.becomes("theirs", "ready"));
  REQUIRE(agent.becomes("mine", "ready"));
  const pid_t pid = pid_of(agent, "theirs");
  CHECK(ids_of(pid, "Uid") == "65534\t65534\t65534\t65534");
  CHECK(ids_of(pid, "Gid") == "65534\t65534\t65534\t65534");
  CHECK(ids_of(pid, "Groups") == "65534 ");
  CHECK(ids_of(pid, "CapEff") == "0000000000000000");
  CHECK(ids_of(pid_of(agent, "mine"), "Uid") == "0\t0\t0\t0");
  const std::string log = read_file(agent.folder() / "state/logs/theirs.log").value_or("");
  CHECK(log == "nobody\n/\n/nonexistent nobody\n");
  // Adopted by the next agent, though another user's.
  agent.signal(SIGKILL);
  REQUIRE(agent.becomes("theirs", "ready"));
  CHECK(pid_of(agent, "theirs") == pid);

  const auto said_by = [&](const char* id, const json& order) {
    (void)agent.call("PUT", cat("/v1/actions/", id), order);
    json action;
    eventually([&] {
      action = agent.call("GET", cat("/v1/actions/", id)).json;
      return action.value("state", "running") != "running";
    });
    INFO(action.dump());
    CHECK(action.value("state", "") == "ok");
    return action.value("result", json::object()).value("output", "");
  };
  const auto program = [](const char* name) {
    return json{{"epoch", 1},
                {"kind", "program"},
                {"timeout_ms", 5'000},
                {"params", {{"name", name}, {"args", json::object()}}}};
  };
  CHECK(said_by("a", program("who")) == "nobody\n");
  CHECK(said_by("b", program("us")) == "root\n");
  CHECK(said_by("c", {{"epoch", 1},
                      {"kind", "script"},
                      {"timeout_ms", 5'000},
                      {"params", {{"name", "who.sh"}, {"env", json::object()}}}}) ==
        "nobody\nnogroup\n");
}

TEST_CASE("a service that gives up root by itself is known by the user that it becomes") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  TestAgent agent(R"(
services:
  - name: theirs
    becomes: nobody
    prepare: [[/bin/sh, -c, "id -un"]]
    command: [setpriv, --reuid=nobody, --regid=nogroup, --clear-groups, /bin/sleep, "1001"]
)",
                  true);
  agent.start();
  REQUIRE(agent.becomes("theirs", "ready"));
  const pid_t pid = pid_of(agent, "theirs");
  CHECK(read_file(agent.folder() / "state/logs/theirs.log").value_or("") == "root\n");
  REQUIRE(eventually([&] { return ids_of(pid, "Uid") == "65534\t65534\t65534\t65534"; }));
  // As when the agent dies before it has written down what it started.
  REQUIRE(std::filesystem::remove(agent.folder() / "state/services/theirs.json"));
  agent.signal(SIGKILL);
  REQUIRE(agent.becomes("theirs", "ready"));
  CHECK(pid_of(agent, "theirs") == pid);
}

TEST_CASE("a program that its user may not start is a service that says so") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  TestAgent agent(R"(
services:
  - name: theirs
    user: nobody
    command: ["{folder}/closed"]
    restart: {backoff: 20ms, give_up_after: 2, within: 30s}
)");
  std::filesystem::copy_file("/bin/sleep", agent.folder() / "closed");
  std::filesystem::permissions(agent.folder() / "closed", std::filesystem::perms(0700));
  agent.start();
  REQUIRE(agent.becomes("theirs", "gave_up"));
  CHECK(agent.service("theirs").value("why", "").find("Permission denied") != std::string::npos);
}

}  // namespace
}  // namespace panshi::agent
