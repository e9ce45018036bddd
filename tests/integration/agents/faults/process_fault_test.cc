// SPDX-License-Identifier: Apache-2.0
// The promise under test: pausing and killing act on every process of a service, also on those
// that it forks meanwhile, and the undo works from another process's record.
#include <catch2/catch.hpp>

#include "agents/faults/fault_book.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

FaultOrder order(const std::string& id, const std::string& kind, nlohmann::json params = {}) {
  return {.id = id,
          .epoch = 1,
          .kind = kind,
          .target = {{"service", "orders"}},
          .params = std::move(params),
          .lease = 60s,
          .drill = {}};
}

std::unique_ptr<FaultBook> open_book(const TemporaryFolder& folder, Host& host) {
  return std::move(*FaultBook::open({.directory = folder / "faults"}, host));
}

std::size_t count_stopped(Host& host, const ProcessName& leader) {
  const auto all = host.group_of(leader);
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const auto& each) { return host.process_state(each) == 'T'; }));
}

void await_members(Host& host, const ProcessName& leader, std::size_t count) {
  for (int i = 0; i < 2000 && host.group_of(leader).size() < count; ++i) ::usleep(1000);
  REQUIRE(host.group_of(leader).size() >= count);
}

TEST_CASE("a paused service stands still whole, and goes on when it is reverted") {
  Group service({"/bin/sh", "-c", "sleep 1000 & sleep 1000 & wait"});
  RealHost host;
  host.leaders["orders"] = service.name();
  await_members(host, service.name(), 3);
  TemporaryFolder folder;
  const auto book = open_book(folder, host);
  const auto live = book->put(order("f1", "process.pause"));
  REQUIRE(live);
  CHECK(live->at("measured") == nlohmann::json{{"processes", 3}, {"stopped", 3}});
  CHECK(count_stopped(host, service.name()) == 3);
  REQUIRE(book->revert("f1"));
  CHECK(count_stopped(host, service.name()) == 0);
  CHECK(host.group_of(service.name()).size() == 3);
}

TEST_CASE("a service that forks all the time is paused whole") {
  Group service({"/bin/sh", "-c", "while :; do (:) & (:) & wait; done"});
  RealHost host;
  host.leaders["orders"] = service.name();
  TemporaryFolder folder;
  const auto book = open_book(folder, host);
  for (int i = 0; i < 20; ++i) {
    const std::string id = cat("f", i);
    const auto live = book->put(order(id, "process.pause"));
    REQUIRE(live);
    CHECK(live->at("state") == "live");
    CHECK(count_stopped(host, service.name()) == host.group_of(service.name()).size());
    REQUIRE(book->revert(id));
    CHECK(is_alive(service.name()));
  }
}

TEST_CASE("processes left stopped by a killed agent are resumed by the next one") {
  Group service({"/bin/sh", "-c", "sleep 1000 & wait"});
  RealHost host;
  host.leaders["orders"] = service.name();
  await_members(host, service.name(), 2);
  TemporaryFolder folder;
  REQUIRE(open_book(folder, host)->put(order("f1", "process.pause")));
  CHECK(count_stopped(host, service.name()) == 2);
  // The leader is killed while stopped, so only the record still names its child.
  REQUIRE(host.signal_one(service.name(), SIGKILL));
  const auto next = open_book(folder, host);
  CHECK(next->recover().reverted == std::vector<FaultId>{"f1"});
  CHECK(count_stopped(host, service.name()) == 0);
}

// An agent in short: starts a service, pauses it under a lease, and is killed.
[[noreturn]] void live_and_die(const TemporaryFolder& folder, int tell) {
  ::setsid();
  ProcessRunner runner;
  RealHost host;
  const auto service =
      runner.launch({.argv = {"/bin/sh", "-c", "sleep 1000 & wait"}}, [](const ProcessExit&) {});
  if (!service) ::_exit(1);
  host.leaders["orders"] = *service;
  const auto live = open_book(folder, host)->put(order("f1", "process.pause"));
  if (!live || ::write(tell, &*service, sizeof *service) != sizeof *service) ::_exit(2);
  ::raise(SIGKILL);
  ::_exit(3);
}

TEST_CASE("a paused service outlives the agent that started it, and the next one resumes it") {
  TemporaryFolder folder;
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t agent = ::fork();
  if (agent == 0) live_and_die(folder, pipe[1]);
  ::close(pipe[1]);
  ProcessName service;
  REQUIRE(::read(pipe[0], &service, sizeof service) == sizeof service);
  ::close(pipe[0]);
  REQUIRE(::waitpid(agent, nullptr, 0) == agent);
  // The kernel hangs up stopped groups that a dying process leaves behind in its own session.
  CHECK(process_state(service.pid) == 'T');
  RealHost host;
  host.leaders["orders"] = service;
  CHECK(open_book(folder, host)->recover().reverted == std::vector<FaultId>{"f1"});
  CHECK(is_alive(service));
  CHECK(count_stopped(host, service) == 0);
  (void)signal_group(service, SIGKILL);
}

TEST_CASE("a killed service ends whole, and its supervisor is asked to start it at the revert") {
  Group service({"/bin/sh", "-c", "sleep 1000 & wait"});
  RealHost host;
  host.leaders["orders"] = service.name();
  await_members(host, service.name(), 2);
  TemporaryFolder folder;
  const auto book = open_book(folder, host);
  REQUIRE(book->put(order("f1", "process.kill")));
  int status = 0;
  REQUIRE(::waitid(P_PID, static_cast<id_t>(service.name().pid), nullptr, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(is_alive(service.name()));
  CHECK(host.started == 0);
  REQUIRE(book->revert("f1"));
  CHECK(host.started == 1);
  (void)status;
}

TEST_CASE("the signal is the one ordered, and a wrong one is refused with the list") {
  Group service({"/bin/sh", "-c", "trap 'exit 7' TERM; sleep 1000 & wait"});
  RealHost host;
  host.leaders["orders"] = service.name();
  await_members(host, service.name(), 2);
  TemporaryFolder folder;
  const auto book = open_book(folder, host);
  CHECK(book->put(order("f0", "process.kill", {{"signal", "STOP"}})).error().code ==
        ErrorCode::kInvalid);
  REQUIRE(book->put(order("f1", "process.kill", {{"signal", "TERM"}})));
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(service.name().pid), &info, WEXITED | WNOWAIT) == 0);
  CHECK(info.si_status == 7);
}

TEST_CASE("a service that is this very process's group is refused") {
  RealHost host;
  host.leaders["orders"] = name_process(::getpid()).value();
  TemporaryFolder folder;
  const auto book = open_book(folder, host);
  if (::getpgrp() != ::getpid()) ::setpgid(0, 0);
  CHECK(book->put(order("f1", "process.pause")).error().code == ErrorCode::kRefused);
}

}  // namespace
}  // namespace panshi::agent
