// SPDX-License-Identifier: Apache-2.0
// The promise under test: processes that no agent supervises are broken by name, control group or
// unit, all of them and nobody else, and are afterwards as they were, also when the agent dies.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/process_table.h"
#include "tests/integration/agents/agent/test_agent.h"
#include "tests/support/process_group.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

// A sleep by a name that nobody else on the machine has.
struct Sleepers {
  explicit Sleepers(const std::string& name)
      : agent("systemctl: {folder}/systemctl", true), program(agent.folder() / name) {
    fs::copy_file("/bin/sleep", program);
  }
  Group run() const { return Group({program.string(), "1000"}); }

  TestAgent::Answer put(const std::string& id, const std::string& kind, const json& target) {
    return agent.call("PUT", "/v1/faults/" + id,
                      {{"kind", kind},
                       {"target", target},
                       {"params", json::object()},
                       {"lease_ms", 60'000},
                       {"epoch", 1},
                       {"drill", "d1"}});
  }
  int revert(const std::string& id) {
    return agent.call("POST", "/v1/faults/" + id + "/revert", {{"epoch", 1}}).status;
  }

  TestAgent agent;
  fs::path program;
};

std::string own_name() { return cat("nap-", ::getpid()); }

// The agent's own v2 control group; empty: there is none to put processes in.
fs::path cgroup_mount() {
  std::istringstream mounts(read_file("/proc/self/mounts").value_or(""));
  std::string device;
  std::string place;
  std::string type;
  std::string rest;
  while (mounts >> device >> place >> type && std::getline(mounts, rest)) {
    if (type == "cgroup2") return place;
  }
  return {};
}

class Cgroup {
 public:
  Cgroup() : name_(cat("/panshi-test-", ::getpid())), folder_(cgroup_mount() / name_.substr(1)) {
    std::error_code error;
    made_ = !cgroup_mount().empty() && fs::create_directory(folder_, error);
  }
  ~Cgroup() {
    std::error_code error;
    if (made_) fs::remove(folder_, error);
  }
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  bool made() const { return made_; }
  // As the kernel names it to its members.
  std::string name_of(pid_t member) const {
    std::ofstream(folder_ / "cgroup.procs") << member << std::flush;
    for (const ProcessEntry& each : list_processes()) {
      if (each.process.pid == member) return each.cgroup;
    }
    return {};
  }

 private:
  std::string name_;
  fs::path folder_;
  bool made_ = false;
};

}  // namespace

TEST_CASE("every process of a name is paused, but for one that was stopped before") {
  Sleepers nap(own_name());
  nap.agent.start();
  const Group one = nap.run();
  const Group two = nap.run();
  const Group before = nap.run();
  REQUIRE(signal_process(before.name(), SIGSTOP));
  REQUIRE(eventually([&] { return process_state(before.name().pid) == 'T'; }));
  const auto live = nap.put("f1", "process.pause", {{"process", own_name()}});
  INFO(live.json);
  REQUIRE(live.status == 200);
  CHECK(live.json.at("target") == json{{"process", own_name()}});
  CHECK(live.json.at("measured") == json{{"processes", 2}, {"stopped", 2}});
  CHECK(process_state(one.name().pid) == 'T');
  CHECK(process_state(two.name().pid) == 'T');
  REQUIRE(nap.revert("f1") == 200);
  CHECK(process_state(one.name().pid) == 'S');
  CHECK(process_state(two.name().pid) == 'S');
  CHECK(process_state(before.name().pid) == 'T');
}

TEST_CASE("processes that were paused by name go on after the agent was killed") {
  Sleepers nap(own_name());
  nap.agent.start();
  const Group one = nap.run();
  const auto live = nap.put("f1", "process.pause", {{"process", nap.program.string()}});
  INFO(live.json << "\n" << nap.agent.log());
  REQUIRE(live.status == 200);
  CHECK(live.json.at("measured") == json{{"processes", 1}, {"stopped", 1}});
  REQUIRE(process_state(one.name().pid) == 'T');
  nap.agent.signal(SIGKILL);
  CHECK(eventually([&] { return process_state(one.name().pid) == 'S'; }));
}

TEST_CASE("a name does not mean what another node's agent on this machine has started") {
  TestAgent other(
      cat("services:\n  - {name: shop, command: [\"{folder}/", own_name(), "\", \"1000\"]}\n"));
  std::filesystem::copy_file("/bin/sleep", other.folder() / own_name());
  other.start();
  REQUIRE(other.becomes("shop", "ready"));
  Sleepers nap(own_name());
  nap.agent.start();
  CHECK(nap.put("f1", "process.pause", {{"process", own_name()}}).status == 404);
  CHECK(process_state(other.service("shop").at("pid")) == 'S');
}

TEST_CASE("a process is killed by name, and again when somebody starts it") {
  Sleepers nap(own_name());
  nap.agent.start();
  const Group once = nap.run();
  REQUIRE(nap.put("f1", "process.kill", {{"process", own_name()}}).status == 200);
  CHECK(eventually([&] { return !is_alive(once.name()); }));
  REQUIRE(nap.revert("f1") == 200);
  const Group first = nap.run();
  REQUIRE(nap.put("f2", "process.crash-loop", {{"process", own_name()}}).status == 200);
  const Group second = nap.run();
  CHECK(eventually([&] { return !is_alive(second.name()); }));
  REQUIRE(nap.revert("f2") == 200);
  const Group third = nap.run();
  CHECK(is_alive(third.name()));
}

TEST_CASE("the processes of a control group are paused, and its neighbours are not") {
  const Cgroup cgroup;
  if (!cgroup.made()) {
    skip_case("no v2 control group can be made here");
  }
  Sleepers nap(own_name());
  nap.agent.start();
  {
    const Group inside = nap.run();
    const Group outside = nap.run();
    const std::string name = cgroup.name_of(inside.name().pid);
    REQUIRE(nap.put("f1", "process.pause", {{"cgroup", name}}).status == 200);
    CHECK(process_state(inside.name().pid) == 'T');
    CHECK(process_state(outside.name().pid) == 'S');
    // systemd's part is a script that knows one unit; the rest is as above.
    std::ofstream(nap.agent.folder() / "systemctl")
        << "#!/bin/sh\necho $* >>" << (nap.agent.folder() / "calls").string()
        << "\n[ \"$5\" = nap.service ] && echo " << name << "\n:\n";
    fs::permissions(nap.agent.folder() / "systemctl", fs::perms::owner_all);
    REQUIRE(nap.revert("f1") == 200);
    REQUIRE(nap.put("f2", "process.pause", {{"unit", "nap.service"}}).status == 200);
    CHECK(process_state(inside.name().pid) == 'T');
    REQUIRE(nap.revert("f2") == 200);
    CHECK(process_state(inside.name().pid) == 'S');
    REQUIRE(nap.put("f4", "process.restart", {{"unit", "nap.service"}}).status == 200);
    CHECK_THAT(read_file(nap.agent.folder() / "calls").value(),
               Catch::Contains("restart -- nap.service"));
    const auto unknown = nap.put("f3", "process.pause", {{"unit", "other.service"}});
    CHECK(unknown.status == 409);
    CHECK_THAT(unknown.json.dump(), Catch::Contains("is not known or does not run"));
  }
}

TEST_CASE("where systemd does not run, a fault on a unit is refused with the reason") {
  Sleepers nap(own_name());
  nap.agent.start();
  const auto refused = nap.put("f1", "process.pause", {{"unit", "nginx.service"}});
  CHECK(refused.status == 409);
  CHECK_THAT(refused.json.dump(), Catch::Contains("systemctl"));
}

TEST_CASE("sshd, the agent and nobody at all are refused by name") {
  Sleepers ssh("sshd");  // the program's name is what counts
  ssh.agent.start();
  const Group server = ssh.run();
  const auto refused = ssh.put("f1", "process.kill", {{"process", "sshd"}});
  CHECK(refused.status == 409);
  CHECK_THAT(refused.json.dump(), Catch::Contains("which no fault may touch"));
  CHECK(is_alive(server.name()));
  CHECK(ssh.put("f2", "process.pause", {{"process", "panshi-agent"}}).status == 409);
  CHECK(ssh.put("f3", "process.pause", {{"process", own_name()}}).status == 404);
  CHECK(ssh.put("f4", "process.pause", {{"cgroup", "/"}}).status == 400);
  CHECK(ssh.put("f5", "process.restart", {{"process", "sshd"}}).status == 400);
}

TEST_CASE("what a fault runs is in a control group of its own, which goes with it") {
  if (!Cgroup().made()) {
    skip_case("no v2 control group can be made here");
  }
  TestAgent agent("cgroups: true\nservices:\n  - {name: shop, command: [/bin/sleep, \"1000\"]}\n");
  agent.start();
  REQUIRE(agent.becomes("shop", "ready"));
  const auto group_of_fault = [&] {
    for (const ProcessEntry& each : list_processes()) {
      if (each.cgroup.ends_with("/panshi-fault-" + own_name())) return each.cgroup;
    }
    return std::string();
  };
  const json load = {{"kind", "resource.cpu"},
                     {"target", {{"node", "test"}}},
                     {"params", {{"percent", 1}}},
                     {"lease_ms", 60'000},
                     {"epoch", 1},
                     {"drill", "d1"}};
  const auto live = agent.call("PUT", "/v1/faults/" + own_name(), load);
  INFO(live.json);
  REQUIRE(live.status == 200);
  const std::string group = group_of_fault();
  REQUIRE_FALSE(group.empty());
  CHECK(agent.call("POST", "/v1/faults/" + own_name() + "/revert", {{"epoch", 1}}).status == 200);
  CHECK(group_of_fault().empty());
  CHECK_FALSE(fs::exists(cgroup_mount() / group.substr(1)));
}

}  // namespace panshi::agent
