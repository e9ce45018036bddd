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
  CHECK(protected_processes(kAll, {}) == Pids{1, 2, 40, 50});
}

ProcessEntry running(pid_t pid, pid_t parent, const char* program) {
  return {.process = {pid, 9}, .name = "x", .program = program, .parent = parent, .session = pid};
}

TEST_CASE("whoever started the agent is protected up to process 1, and who runs its program too") {
  const std::vector<ProcessEntry> all = {
      running(1, 0, "/sbin/runit"),        running(10, 1, "/usr/bin/runsvdir"),
      running(11, 10, "/usr/bin/runsv"),   running(12, 11, "/opt/panshi/agent-2.1"),
      running(13, 12, "/usr/bin/mariadb"), running(14, 1, "/opt/panshi/agent-2.1"),
      running(15, 10, "/usr/bin/nginx"),
  };
  CHECK(protected_processes(all, {12}) == Pids{1, 10, 11, 12, 14});
}

TEST_CASE("the chain of a login session is protected, and what the person runs in it is not") {
  std::vector<ProcessEntry> all = {
      running(1, 0, "/sbin/init"),           running(20, 1, "/usr/sbin/dropbear"),
      running(21, 20, "/usr/sbin/dropbear"), running(22, 21, "/bin/zsh"),
      running(23, 22, "/usr/bin/my-server"), running(30, 20, "/usr/sbin/dropbear"),
      running(31, 30, "/usr/bin/rsync"),     running(40, 1, "/usr/sbin/dropbear-of-nobody"),
  };
  all[3].terminal = true;  // a shell with a terminal
  all[4].terminal = true;
  all[4].session = 22;
  for (const std::size_t of_login : {5U, 6U}) {  // one without
    all[of_login].cgroup = "/user.slice/user-0.slice/session-4.scope";
  }
  CHECK(protected_processes(all, {}) == Pids{1, 20, 21, 22, 30});
}

TEST_CASE("systemd's own processes are protected by where their program is") {
  const std::vector<ProcessEntry> all = {running(5, 1, "/usr/lib/systemd/systemd-journald"),
                                         running(6, 1, "/usr/bin/systemd-like")};
  CHECK(protected_processes(all, {}) == Pids{1, 5});
}

}  // namespace
}  // namespace panshi::agent
