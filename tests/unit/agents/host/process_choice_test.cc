// SPDX-License-Identifier: Apache-2.0
// The promise under test: a name, a path or a control group means exactly the processes that an
// operator would think of, and never those that keep the machine reachable.
#include "agents/host/process_choice.h"

#include <catch2/catch.hpp>

namespace panshi::agent {
namespace {

const std::vector<ProcessEntry> kAll = {
    {.process = {1, 1},
     .name = "systemd",
     .program = "/usr/lib/systemd/systemd",
     .cgroup = "/init.scope"},
    {.process = {2, 2}, .name = "kthreadd", .cgroup = "/", .kernel = true},
    {.process = {30, 9},
     .name = "nginx",
     .program = "/usr/sbin/nginx",
     .cgroup = "/system.slice/nginx.service"},
    {.process = {31, 9},
     .name = "nginx",
     .program = "/opt/other/nginx",
     .cgroup = "/system.slice/nginx.service/worker"},
    {.process = {32, 9},
     .name = "nginx-exporter",
     .program = "/usr/bin/nginx-exporter",
     .cgroup = "/system.slice/nginx.service2"},
    {.process = {40, 9},
     .name = "sshd",
     .program = "/usr/sbin/sshd",
     .cgroup = "/system.slice/ssh.service"},
    {.process = {41, 9},
     .name = "a-very-long-nam",
     .program = "/usr/bin/a-very-long-name",
     .cgroup = "/user.slice"},
    {.process = {50, 9},
     .name = "node",
     .program = "/usr/bin/panshi-agent",
     .cgroup = "/system.slice/panshi-agent.service"},
};

std::vector<pid_t> chosen(const ProcessChoice& choice) {
  std::vector<pid_t> pids;
  for (const ProcessName& each : choose(choice, kAll)) pids.push_back(each.pid);
  return pids;
}

using Pids = std::vector<pid_t>;

TEST_CASE("a name means every process of that name, and none whose name only begins so") {
  CHECK(chosen({.process = "nginx"}) == Pids{30, 31});
  CHECK(chosen({.process = "ngin"}).empty());
}

TEST_CASE("a name that the kernel cut off is found by the program's own") {
  CHECK(chosen({.process = "a-very-long-name"}) == Pids{41});
  CHECK(chosen({.process = "a-very-long-nam"}) == Pids{41});
}

TEST_CASE("a path means that program alone") {
  CHECK(chosen({.process = "/usr/sbin/nginx"}) == Pids{30});
}

TEST_CASE("a control group means those below it too, and not its neighbour") {
  CHECK(chosen({.cgroup = "/system.slice/nginx.service"}) == Pids{30, 31});
  CHECK(chosen({.cgroup = "/system.slice/nginx.service/worker"}) == Pids{31});
}

TEST_CASE("what can mean nothing or everything is a mistake that is explained") {
  CHECK(check_choice({.process = "nginx"}));
  CHECK(check_choice({.process = "/usr/sbin/nginx"}));
  CHECK(check_choice({.cgroup = "/system.slice"}));
  for (const char* cgroup :
       {"/", "system.slice", "/system.slice/", "/sys/fs/cgroup/system.slice"}) {
    INFO(cgroup);
    CHECK_FALSE(check_choice({.cgroup = cgroup}));
  }
  CHECK_FALSE(check_choice({.process = "sbin/nginx"}));
  CHECK_THAT(check_choice({.cgroup = "/sys/fs/cgroup/a"}).error().message,
             Catch::Contains("as /proc/PID/cgroup has it"));
}

TEST_CASE("the kernel's threads, sshd and ourselves are protected, whatever they call themselves") {
  CHECK(protected_processes(kAll) == Pids{2, 40, 50});
}

}  // namespace
}  // namespace panshi::agent
