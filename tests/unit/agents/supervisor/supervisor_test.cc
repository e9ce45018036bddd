// SPDX-License-Identifier: Apache-2.0
// Promise: services start in order, are restarted but not for ever, stop in reverse order, and no
// service is ever started twice.
#include "agents/supervisor/supervisor.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <map>
#include <set>

#include "core/base/random.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using Lines = std::vector<std::string>;

ServiceConfig service(std::string name, std::vector<std::string> after = {}) {
  ServiceConfig config;
  config.name = std::move(name);
  config.command = {"/bin/true"};
  config.after = std::move(after);
  config.ready = ReadyCheck{};
  return config;
}

// Answers launches with made-up processes and writes down what the supervisor asked for.
class Stage {
 public:
  explicit Stage(std::vector<ServiceConfig> services)
      : services_(std::move(services)), supervisor_(services_) {}

  Lines give(const SupervisorInput& input) {
    Lines lines;
    take(supervisor_.step(input, clock.mono()), lines);
    return lines;
  }
  Lines wait(Duration by) {
    clock.advance(by);
    return give(input::Tick{});
  }
  Lines exit(const std::string& name, int code = 1) {
    const ProcessName process = running.at(name);
    running.erase(name);
    return give(input::Exited{name, process, {code, 0, false}});
  }
  Lines ready(const std::string& name) { return give(input::ReadySeen{name}); }
  ServiceState state(const std::string& name) { return supervisor_.view(name).state; }
  Supervisor& supervisor() { return supervisor_; }

  SimClock clock;
  std::map<std::string, ProcessName> running;
  std::set<std::string> refuses_to_launch;

 private:
  void take(const std::vector<SupervisorOutput>& outputs, Lines& lines) {
    for (const SupervisorOutput& output : outputs) {
      if (const auto* launch = std::get_if<output::Launch>(&output)) {
        lines.push_back(launch->prepare ? cat("prepare ", launch->service, " ", *launch->prepare)
                                        : cat("launch ", launch->service));
        answer(launch->service, lines);
      } else if (const auto* sent = std::get_if<output::Signal>(&output)) {
        CHECK(running.at(sent->service) == sent->process);
        lines.push_back(cat("signal ", sent->service, " ", sent->signal));
      } else if (const auto* told = std::get_if<output::Tell>(&output)) {
        lines.push_back(cat(told->kind, " ", told->data.at("service").get<std::string>()));
      }
    }
  }
  void answer(const std::string& name, Lines& lines) {
    if (refuses_to_launch.contains(name)) {
      return take(supervisor_.step(input::LaunchFailed{name, "no such file"}, clock.mono()), lines);
    }
    CHECK_FALSE(running.contains(name));  // never twice
    running[name] = {++last_pid_, 7};
    take(supervisor_.step(input::Launched{name, running[name]}, clock.mono()), lines);
  }

  std::vector<ServiceConfig> services_;
  Supervisor supervisor_;
  pid_t last_pid_ = 100;
};

TEST_CASE("a service starts once every service it comes after is ready") {
  Stage stage({service("shop", {"database", "cache"}), service("database"), service("cache")});
  CHECK(stage.give(input::Begin{}) == Lines{"launch database", "service.starting database",
                                            "launch cache", "service.starting cache"});
  CHECK(stage.ready("cache") == Lines{"service.ready cache"});
  CHECK(stage.ready("database") ==
        Lines{"service.ready database", "launch shop", "service.starting shop"});
}

TEST_CASE("prepare commands run one after the other, before the first start only") {
  auto config = service("database");
  config.prepare = {{"a"}, {"b"}};
  Stage stage({config});
  CHECK(stage.give(input::Begin{}) == Lines{"prepare database 0"});
  CHECK(stage.exit("database", 0) == Lines{"prepare database 1"});
  CHECK(stage.exit("database", 0) == Lines{"launch database", "service.starting database"});
  CHECK(stage.exit("database") == Lines{"service.exited database", "service.backoff database"});
  CHECK(stage.wait(100ms) == Lines{"launch database", "service.starting database"});
}

TEST_CASE("a prepare command that fails is begun again from the first, and nothing is started") {
  auto config = service("database");
  config.prepare = {{"a"}, {"b"}};
  Stage stage({config});
  stage.give(input::Begin{});
  stage.exit("database", 0);
  CHECK(stage.exit("database", 3) == Lines{"service.backoff database"});
  CHECK(stage.supervisor().view("database").why == "prepare[1] ended with code 3");
  CHECK(stage.wait(100ms) == Lines{"prepare database 0"});
}

TEST_CASE("what an earlier run prepared is not prepared again") {
  auto config = service("database");
  config.prepare = {{"a"}};
  Stage stage({config});
  stage.give(input::Prepared{"database"});
  CHECK(stage.give(input::Begin{}) == Lines{"launch database", "service.starting database"});
}

TEST_CASE("the wait before a restart doubles up to its bound") {
  auto config = service("shop");
  config.restart = {true, 100ms, 300ms, 50, 1h};
  Stage stage({config});
  stage.give(input::Begin{});
  for (const Duration wait : {100ms, 200ms, 300ms, 300ms}) {
    stage.exit("shop");
    CHECK(stage.wait(wait - 1us).empty());
    CHECK(stage.wait(1us) == Lines{"launch shop", "service.starting shop"});
  }
}

TEST_CASE("a service that keeps ending is given up") {
  auto config = service("shop");
  config.restart = {true, 100ms, 100ms, 2, 30s};
  Stage stage({config});
  stage.give(input::Begin{});
  stage.exit("shop");
  stage.wait(100ms);
  stage.exit("shop");
  stage.wait(100ms);
  CHECK(stage.exit("shop") == Lines{"service.exited shop", "service.gave_up shop"});
  CHECK(stage.wait(1h).empty());
  CHECK(stage.state("shop") == ServiceState::kGaveUp);
  SECTION("until somebody starts it") {
    CHECK(stage.give(input::Want{"shop", input::Verb::kStart}) ==
          Lines{"launch shop", "service.starting shop"});
  }
}

TEST_CASE("exits further apart than the window are never given up") {
  auto config = service("shop");
  config.restart = {true, 100ms, 100ms, 1, 30s};
  Stage stage({config});
  stage.give(input::Begin{});
  for (int i = 0; i < 20; ++i) {
    CHECK(stage.exit("shop") == Lines{"service.exited shop", "service.backoff shop"});
    stage.wait(31s);
  }
}

TEST_CASE("a program that cannot be launched is tried again and then given up") {
  auto config = service("shop");
  config.restart.give_up_after = 1;
  Stage stage({config});
  stage.refuses_to_launch = {"shop"};
  CHECK(stage.give(input::Begin{}) == Lines{"launch shop", "service.backoff shop"});
  CHECK(stage.wait(100ms) == Lines{"launch shop", "service.gave_up shop"});
  CHECK(stage.supervisor().view("shop").why == "no such file");
}

TEST_CASE("a service that does not become ready in time is stopped and tried again") {
  Stage stage({service("shop")});
  stage.give(input::Begin{});
  CHECK(stage.wait(20s) == Lines{"signal shop 15"});
  CHECK(stage.exit("shop", 0) == Lines{"service.backoff shop"});
  CHECK(stage.supervisor().view("shop").why == "was not ready within 20s");
}

TEST_CASE("a service without a readiness check is ready when started") {
  auto config = service("shop");
  config.ready.reset();
  Stage stage({config});
  CHECK(stage.give(input::Begin{}) ==
        Lines{"launch shop", "service.starting shop", "service.ready shop"});
}

TEST_CASE("a policy of never leaves an ended service stopped") {
  auto config = service("job");
  config.restart.always = false;
  Stage stage({config});
  stage.give(input::Begin{});
  stage.ready("job");
  CHECK(stage.exit("job", 0) == Lines{"service.exited job"});
  CHECK(stage.wait(1h).empty());
  CHECK(stage.state("job") == ServiceState::kStopped);
}

TEST_CASE("everything stops in reverse order, and what ignores the request is killed") {
  Stage stage({service("database"), service("shop", {"database"}), service("edge", {"shop"})});
  stage.give(input::Begin{});
  stage.ready("database");
  stage.ready("shop");
  stage.ready("edge");
  CHECK(stage.give(input::StopAll{}) == Lines{"signal edge 15"});
  CHECK(stage.exit("edge") == Lines{"service.stopped edge", "signal shop 15"});
  CHECK(stage.wait(5s) == Lines{"signal shop 9"});
  CHECK_FALSE(stage.supervisor().all_stopped());
  CHECK(stage.exit("shop") == Lines{"service.stopped shop", "signal database 15"});
  CHECK(stage.exit("database") == Lines{"service.stopped database"});
  CHECK(stage.supervisor().all_stopped());
  CHECK(stage.give(input::Want{"shop", input::Verb::kStart}).empty());
}

TEST_CASE("restart stops a ready service and starts it again") {
  Stage stage({service("shop")});
  stage.give(input::Begin{});
  stage.ready("shop");
  CHECK(stage.give(input::Want{"shop", input::Verb::kRestart}) == Lines{"signal shop 15"});
  CHECK(stage.exit("shop", 0) ==
        Lines{"service.stopped shop", "launch shop", "service.starting shop"});
}

TEST_CASE("restart cuts a back-off short and leaves a starting service alone") {
  Stage stage({service("shop")});
  stage.give(input::Begin{});
  CHECK(stage.give(input::Want{"shop", input::Verb::kRestart}).empty());
  stage.exit("shop");
  CHECK(stage.give(input::Want{"shop", input::Verb::kRestart}) ==
        Lines{"launch shop", "service.starting shop"});
}

TEST_CASE("what somebody had stopped on purpose no fault starts again, only somebody does") {
  Stage stage({service("shop")});
  stage.give(input::Begin{});
  stage.ready("shop");
  stage.exit("shop");  // a fault kills it
  stage.give(input::Want{"shop", input::Verb::kStop});
  CHECK(stage.state("shop") == ServiceState::kStopped);
  for (const auto verb : {input::Verb::kStart, input::Verb::kRestart}) {
    CHECK(stage.give(input::WantByFault{"shop", verb}).empty());
    CHECK(stage.wait(1h).empty());
  }
  CHECK(stage.give(input::Want{"shop", input::Verb::kStart}) ==
        Lines{"launch shop", "service.starting shop"});
}

TEST_CASE("a fault's revert does not call off a stop that is under way") {
  Stage stage({service("shop")});
  stage.give(input::Begin{});
  stage.ready("shop");
  stage.give(input::Want{"shop", input::Verb::kStop});
  stage.give(input::WantByFault{"shop", input::Verb::kStart});
  CHECK(stage.exit("shop", 0) == Lines{"service.stopped shop"});
}

TEST_CASE("a service that a fault ended is started when it is reverted, whatever its policy") {
  auto config = service("job");
  config.restart.always = false;
  Stage stage({config});
  stage.give(input::Begin{});
  stage.ready("job");
  stage.exit("job", 0);
  CHECK(stage.give(input::WantByFault{"job", input::Verb::kStart}) ==
        Lines{"launch job", "service.starting job"});
}

TEST_CASE("what was stopped on purpose stays so for the agent that comes after a crash") {
  Stage stage({service("shop"), service("edge")});
  stage.running = {{"edge", {51, 1}}};
  stage.give(input::StoppedBefore{"shop"});
  stage.give(input::StoppedBefore{"edge"});  // which its agent had not lived to see end
  stage.give(input::Adopt{"edge", {51, 1}, true});
  CHECK(stage.give(input::Begin{}) == Lines{"signal edge 15"});
  CHECK(stage.exit("edge", 0) == Lines{"service.stopped edge"});
  CHECK(stage.state("shop") == ServiceState::kStopped);
}

TEST_CASE("an adopted service is not started again") {
  Stage stage({service("database"), service("shop", {"database"})});
  stage.running = {{"database", {50, 1}}, {"shop", {51, 1}}};
  stage.give(input::Adopt{"database", {50, 1}, true});
  stage.give(input::Adopt{"shop", {51, 1}, false});
  CHECK(stage.give(input::Begin{}).empty());
  CHECK(stage.state("database") == ServiceState::kReady);
  CHECK(stage.ready("shop") == Lines{"service.ready shop"});
  CHECK(stage.exit("database") == Lines{"service.exited database", "service.backoff database"});
}

TEST_CASE("news of an earlier process of a service changes nothing") {
  Stage stage({service("shop")});
  stage.give(input::Begin{});
  CHECK(stage.give(input::Exited{"shop", {4711, 1}, {0, 0, false}}).empty());
  CHECK(stage.state("shop") == ServiceState::kStarting);
}

// Launching twice and signalling a process that is not the service's are checked by Stage.
TEST_CASE("whatever happens, a service has one process, and stopping always ends") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 200)));
  INFO("seed " << seed);
  Random random(seed);
  auto prepared = service("database");
  prepared.prepare = {{"a"}};
  Stage stage({prepared, service("cache"), service("shop", {"database", "cache"})});
  const std::vector<std::string> names = {"database", "cache", "shop"};
  stage.give(input::Begin{});
  for (int i = 0; i < 200; ++i) {
    const std::string& name = names[random.below(names.size())];
    switch (random.below(7)) {
      case 0:
      case 1:
        if (stage.running.contains(name)) stage.exit(name, static_cast<int>(random.below(2)));
        break;
      case 2:
        stage.ready(name);
        break;
      case 3:
        stage.give(input::Want{name, static_cast<input::Verb>(random.below(3))});
        break;
      case 4:
        stage.refuses_to_launch.clear();
        if (random.chance(20)) stage.refuses_to_launch = {name};
        break;
      default:
        stage.wait(Duration(random.below(8'000'000)));
    }
    for (const ServiceView& view : stage.supervisor().view()) {
      CHECK(view.process.has_value() == stage.running.contains(view.name));
      const bool depends = view.name == "shop" && view.state == ServiceState::kStarting;
      if (depends) CHECK(view.starts > 0);
    }
  }
  stage.give(input::StopAll{});
  while (!stage.running.empty()) {
    const auto before = stage.running;
    for (const auto& [name, process] : before) {
      if (stage.state(name) == ServiceState::kStopping) stage.exit(name);
    }
    REQUIRE(stage.running.size() < before.size());
  }
  CHECK(stage.supervisor().all_stopped());
  CHECK_FALSE(stage.supervisor().next_deadline());
}

}  // namespace
}  // namespace panshi::agent
