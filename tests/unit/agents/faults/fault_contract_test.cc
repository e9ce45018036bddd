// SPDX-License-Identifier: Apache-2.0
// The promise under test: whatever kind of fault, whenever it stopped half-way, revert() heals the
// node from the undo record alone.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "agents/faults/effect.h"
#include "agents/faults/fault.h"
#include "tests/support/eventually.h"
#include "tests/unit/agents/faults/fake_host.h"
#include "tests/unit/agents/faults/mendable.h"

namespace panshi::agent {
namespace {

// Through text, as a restart would read it.
nlohmann::json as_on_disk(const nlohmann::json& resolved) {
  return nlohmann::json::parse(resolved.dump());
}

TEST_CASE("every fault heals what it broke, twice if asked, and before it was ever applied") {
  for (const auto& [kind, key] : mendable()) {
    INFO(kind->name << " of " << key);
    FakeHost host;
    const auto fault = make(*kind, host, key);
    const auto resolved = fault->resolve();
    REQUIRE(resolved);
    CHECK(host.healthy());  // resolving touches nothing
    REQUIRE(fault->revert(*resolved));
    CHECK(host.healthy());
    REQUIRE(fault->apply(*resolved));
    CHECK_FALSE(host.healthy());
    REQUIRE(fault->revert(*resolved));
    CHECK(host.healthy());
    REQUIRE(fault->revert(*resolved));
    CHECK(host.healthy());
  }
}

TEST_CASE("every fault is reverted by a fresh object from the undo record") {
  for (const auto& [kind, key] : mendable()) {
    INFO(kind->name << " of " << key);
    FakeHost host;
    nlohmann::json record;
    {
      const auto fault = make(*kind, host, key);
      record = fault->resolve().value();
      REQUIRE(fault->apply(record));
    }
    REQUIRE(make(*kind, host, key)->revert(as_on_disk(record)));
    CHECK(host.healthy());
  }
}

TEST_CASE("a fault whose apply stops at any step leaves nothing that revert does not heal") {
  for (const auto& [kind, key] : mendable()) {
    for (int steps = 0; steps < 10; ++steps) {
      INFO(kind->name << " of " << key << " stopped at step " << steps);
      FakeHost host;
      const auto fault = make(*kind, host, key);
      const auto resolved = fault->resolve().value();
      int left = steps;
      host.on_touch = [&](const std::string&) -> Status {
        if (left-- > 0) return {};
        return fail(ErrorCode::kUnavailable, "connection lost");
      };
      (void)fault->apply(resolved);
      host.on_touch = nullptr;
      REQUIRE(make(*kind, host, key)->revert(as_on_disk(resolved)));
      CHECK(host.healthy());
    }
  }
}

// What was asked for in one figure, measured to the point.
nlohmann::json met(const char* what, const char* unit, double asked, double tolerance) {
  nlohmann::json measured;
  add_effect(
      measured,
      {.what = what, .unit = unit, .asked = asked, .measured = asked, .tolerance = tolerance});
  return measured;
}

nlohmann::json skewed() {
  nlohmann::json measured = met("offset", "s", 3'600, 0.5);
  add_effect(measured,
             {.what = "rate", .unit = "%", .asked = 100, .measured = 100, .tolerance = 2});
  measured["loaded"] = true;
  return measured;
}

nlohmann::json shaped(nlohmann::json measured) {
  measured["in_force"] = true;
  return measured;
}

nlohmann::json late() {
  nlohmann::json measured = shaped(met("delay", "ms", 100, 6));
  measured["predicted"] = {{"handshake_ms", 100.0}, {"round_trip_ms", 100.0}};
  return measured;
}

nlohmann::json lossy() {
  nlohmann::json measured = met("loss", "%", 5, 400 * std::sqrt(0.05 * 0.95 / 140) + 100.0 / 140);
  measured["packets"] = 7;
  return measured;
}

nlohmann::json slowed() {
  nlohmann::json measured = met("sessions", "", 4, 0);
  measured["threads_running"] = 5;  // the one that looks, too
  return measured;
}

nlohmann::json stalled() {
  return {{"processes", 3},
          {"stopped", 3},
          {"pending_before", 3},
          {"pending", 3},
          {"unacknowledged", 1}};
}

std::map<std::string, nlohmann::json> measures_of_redis() {
  return {
      {"redis.expire-keys", met("keys expired", "", 3, 0.15)},
      {"redis.failover", {{"primary", true}}},
      {"redis.kill", met("members killed", "", 1, 0)},
      {"redis.memory-full", {{"full", true}, {"policy", "noeviction"}}},
      {"redis.pause-clients", {{"paused", true}}},
      {"redis.replication-break", {{"linked", false}}},
  };
}

std::map<std::string, nlohmann::json> measures_of_processes() {
  return {
      {"db.primary-kill", {{"processes", 3}, {"gone", 3}}},
      {"dns.answer", {{"queries", 7}}},
      {"dns.failure", {{"queries", 7}}},
      {"process.crash-loop", {{"kills", 1}}},
      {"process.exit-code", {{"processes", 3}, {"gone", 3}, {"starts", 1}}},
      {"process.restart", {{"processes", 3}, {"gone", 3}}},
      {"queue.consumer-stall", stalled()},
      {"queue.fill", met("filled", "bytes", 16 << 20, 0)},
      {"queue.leader-stop", {{"processes", 3}, {"stopped", 3}}},
      {"syscall.delay", {{"processes", 3}, {"traced", 3}}},
      {"syscall.error", {{"processes", 3}, {"traced", 3}}},
      {"time.skew", skewed()},
      {"process.kill", {{"processes", 3}, {"gone", 3}}},
      {"process.pause", {{"processes", 3}, {"stopped", 3}}},
  };
}

// What each kind is measured to do on the FakeHost, with the parameters of sample_params().
std::map<std::string, nlohmann::json> expected_measures() {
  return {
      {"db.disconnect", {{"accounts_locked", 2}, {"connections", 0}}},
      {"db.exhaust-connections", {{"held", 7}, {"allowed", 10}, {"connected", 10}}},
      {"db.lock-table", {{"locked", true}, {"waiting", 0}}},
      {"db.metadata-lock", {{"locked", true}, {"waiting", 2}}},
      {"db.read-only", {{"read_only", true}}},
      {"db.slow-query", slowed()},
      {"db.refuse-new", {{"accounts_locked", 2}, {"connections", 3}}},
      {"db.replication-delay",
       {{"fetches", true},
        {"applies", true},
        {"behind_s", 0},
        {"effects",
         {{{"what", "delay"},
           {"unit", "s"},
           {"asked", 30.0},
           {"measured", 30.0},
           {"tolerance", 0.0},
           {"met", true}}}}}},
      {"db.replication-stop", {{"fetches", false}, {"applies", false}}},
      {"http.body", {{"requests", 0}, {"touched", 0}}},
      {"http.delay",
       {{"requests", 0},
        {"touched", 0},
        {"delay_mean_us", 0},
        {"late_p99_us", 0},
        {"predicted", {{"handshake_ms", 0}, {"round_trip_ms", 200.0}}}}},
      {"http.header", {{"requests", 0}, {"touched", 0}}},
      {"http.status", {{"requests", 0}, {"touched", 0}}},
      {"link.bandwidth", {{"bytes", 0}, {"bytes_per_second", 0}}},
      {"link.blackhole", {{"touched", 0}, {"ended", 0}, {"bytes", 0}, {"dropped", 0}}},
      {"file.flip", met("bits flipped", "", 8, 0)},
      {"file.permission", met("permission bits", "", 0, 0)},
      {"file.truncate", met("file size", "bytes", 13, 0)},
      {"link.delay",
       {{"chunks", 0},
        {"delay_mean_us", 0},
        {"delay_max_us", 0},
        {"late_p99_us", 0},
        {"predicted", {{"handshake_ms", 0}, {"round_trip_ms", 1000.0}}}}},
      {"link.down", {{"connections", 0}, {"down", true}}},
      {"link.limit", {{"touched", 0}, {"ended", 0}, {"bytes", 0}, {"dropped", 0}}},
      {"link.refuse", {{"came", 0}, {"refused", 0}}},
      {"link.reset", {{"connections", 0}, {"down", false}}},
      {"link.reset-peer", {{"touched", 0}, {"ended", 0}, {"bytes", 0}, {"dropped", 0}}},
      {"link.slicer", {{"pieces", 0}, {"bytes", 0}, {"delay_mean_us", 0}}},
      {"link.slow-close", {{"ends", 0}, {"delay_mean_us", 0}}},
      {"network.damage", shaped(met("loss", "%", 5, 400 * std::sqrt(0.05 * 0.95 / 1'000) + 0.1))},
      {"network.delay", late()},
      {"network.loss", lossy()},
      {"network.partition", {{"packets", 7}}},
      {"network.port-drop", {{"packets", 7}}},
      {"network.port-reject", {{"packets", 7}}},
      {"network.rate", shaped(met("rate", "bytes/s", 128 << 10, 0.1 * (128 << 10)))},
      {"load.surge",
       {{"arrivals_per_second", 7.0},
        {"effects",
         {{{"what", "rate"},
           {"unit", "/s"},
           {"asked", 200.0},
           {"measured", 200.0},
           {"tolerance", 2.0},
           {"met", true}}}}}},
      {"resource.cpu", met("cpu", "%", 80, 8)},
      {"resource.descriptors", met("descriptors left", "", 0, 2)},
      {"resource.disk-fill", met("disk full", "%", 95, 1)},
      {"resource.disk-load", met("write rate", "bytes/s", 16 << 20, 0.1 * (16 << 20))},
      {"resource.memory", met("memory", "bytes", 256 << 20, 16 << 20)},
      {"resource.processes", met("processes", "", 500, 0)}};
}

TEST_CASE("a fault measures that it is in force") {
  auto expected = expected_measures();
  expected.merge(measures_of_processes());
  expected.merge(measures_of_redis());
  for (const FaultKind& kind : fault_kinds()) {
    INFO(kind.name);
    FakeHost host;
    const auto fault = make(kind, host);
    const auto resolved = fault->resolve().value();
    REQUIRE(fault->apply(resolved));
    // Some look for a while.
    CHECK(eventually([&] { return fault->measure(resolved) == expected.at(kind.name); }));
    CHECK(fault->measure(resolved) == expected.at(kind.name));
  }
}

TEST_CASE("no fault touches the agent, its guardian or process 1") {
  for (const char* name : {"process.crash-loop", "process.exit-code", "process.kill",
                           "process.pause", "process.restart", "syscall.error", "time.skew"}) {
    for (const std::string& key : (*find_kind(name))->target_keys()) {
      INFO(name << " of " << key);
      FakeHost host;
      host.untouchable_ = {102};
      const auto refused = make(**find_kind(name), host, key)->resolve();
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == ErrorCode::kRefused);
    }
  }
}

TEST_CASE("a fault on processes by name, group or unit breaks each of them, and says how many") {
  for (const char* kind : {"process.crash-loop", "process.kill", "process.pause"}) {
    for (const char* key : {"process", "cgroup", "unit"}) {
      INFO(kind << " of " << key);
      FakeHost host;
      const auto fault = make(**find_kind(kind), host, key);
      const auto resolved = fault->resolve().value();
      CHECK(resolved.at("processes").size() == 3);
      REQUIRE(fault->apply(resolved));
      CHECK_FALSE(host.healthy());
      REQUIRE(fault->revert(resolved));
    }
  }
}

TEST_CASE("a process that somebody else had stopped stays stopped when ours go on") {
  FakeHost host;
  const auto all = host.group_of(host.process_of("orders").value());
  REQUIRE(host.signal_one(all.front(), SIGSTOP));
  const auto pause = make(**find_kind("process.pause"), host, "process");
  const auto resolved = pause->resolve().value();
  REQUIRE(pause->apply(resolved));
  CHECK(pause->measure(resolved) == nlohmann::json{{"processes", 2}, {"stopped", 2}});
  REQUIRE(pause->revert(resolved));
  CHECK(host.process_state(all.front()) == 'T');
  CHECK(host.process_state(all.back()) == 'S');
}

TEST_CASE("a name that nobody has is refused, and so is a unit that does not run") {
  FakeHost host;
  const FaultKind& pause = **find_kind("process.pause");
  const auto refusal = [&](const char* key, const char* name) {
    FaultRequest request{.id = "f1", .target = name, .params = {}};
    request.target_key = key;
    return pause.make(request, host)->resolve().error();
  };
  CHECK(refusal("process", "order").message == "process `order`: no such process runs here");
  CHECK(refusal("process", "order").code == ErrorCode::kNotFound);
  CHECK(refusal("unit", "shop.service").code == ErrorCode::kRefused);
}

TEST_CASE("a database that is no primary at that moment is not killed as one") {
  FakeHost host;
  const auto kind = *find_kind("db.primary-kill");
  const FaultRequest request{.id = "f1", .target = "shard", .params = {}};
  const auto follows = kind->make(request, host)->resolve();
  REQUIRE_FALSE(follows);
  CHECK(follows.error().code == ErrorCode::kRefused);
  CHECK_THAT(follows.error().message, Catch::Contains("is a replica now"));
  host.mariadb->promote();
  REQUIRE(host.mariadb->open()->run("SET GLOBAL read_only = 1"));
  const auto refuses = kind->make(request, host)->resolve();
  REQUIRE_FALSE(refuses);
  CHECK_THAT(refuses.error().message, Catch::Contains("is read-only now"));
}

TEST_CASE("a killed service's faults have nothing left to mend, and say so without an error") {
  FakeHost host;
  const auto pause = make(**find_kind("process.pause"), host);
  const auto resolved = pause->resolve().value();
  REQUIRE(pause->apply(resolved));
  REQUIRE(host.signal(host.process_of("orders").value(), SIGKILL));
  CHECK(pause->revert(resolved));
}

TEST_CASE("a root discipline of somebody else is refused, by its name") {
  FakeHost host;
  host.network().foreign = "htb";
  const auto refused = make(**find_kind("network.rate"), host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::Contains("(htb)"));
}

TEST_CASE("a disk in memory is filled only as far as the memory's reserve allows") {
  FakeHost host;
  host.machine().disk_in_memory = true;
  CHECK(make(**find_kind("resource.disk-fill"), host)->resolve());
  host.machine().available = 150 << 20;
  const auto refused = make(**find_kind("resource.disk-fill"), host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::Contains("is in memory"));
}

TEST_CASE("enough processes are left that whoever ends the fault can be started") {
  FakeHost host;
  host.machine().processes_room = 600;
  const auto refused = make(**find_kind("resource.processes"), host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("600 more processes"));
  host.machine().processes_room = 700;
  CHECK(make(**find_kind("resource.processes"), host)->resolve());
}

TEST_CASE("more descriptors than there are left is an effect that is not met") {
  FakeHost host;
  const FaultKind& kind = **find_kind("resource.descriptors");
  Problems problems;
  const auto fault = kind.make(
      read_request(kind, "f1", sample_target(kind.name), {{"left", 5'000}}, problems), host);
  const auto resolved = fault->resolve().value();
  REQUIRE(fault->apply(resolved));
  const auto effect = fault->measure(resolved).at("effects").at(0);
  CHECK(effect.at("measured") == 1'019);  // 1,024 less those that are open below
  CHECK(effect.at("met") == false);
  CHECK(host.healthy());  // nothing was raised
}

TEST_CASE("a unit that somebody stopped while a fault was on stays stopped") {
  FakeHost host;
  const auto kill = make(**find_kind("process.kill"), host, "unit");
  const auto resolved = kill->resolve().value();
  REQUIRE(kill->apply(resolved));
  host.machine().unit_now = {.active = "inactive", .invocation = "run 2"};  // of systemd's restart
  REQUIRE(kill->revert(resolved));
  CHECK_FALSE(host.process_of("orders"));
  host.machine().unit_now = {.active = "inactive", .invocation = "run 1"};  // which we ended
  REQUIRE(kill->revert(resolved));
  CHECK(host.process_of("orders"));
}

TEST_CASE("a setting that somebody else has changed meanwhile is not put back") {
  FakeHost host;
  const auto full = make(**find_kind("redis.memory-full"), host);
  const auto resolved = full->resolve().value();
  REQUIRE(full->apply(resolved));
  const auto session = host.open_redis("orders").value();
  REQUIRE(session->run({"CONFIG", "SET", "maxmemory", "7777"}));
  REQUIRE(full->revert(resolved));
  CHECK(session->run({"CONFIG", "GET", "maxmemory"}).value().list.at(1).text == "7777");
}

TEST_CASE("a process that is traced already is left to its tracer") {
  FakeHost host;
  host.machine().mark("somebody");
  const auto refused = make(**find_kind("syscall.error"), host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::Contains("traced by process 77"));
}

TEST_CASE("a surge does not end a plan that it could not put back") {
  FakeHost host;
  host.load.plan_step = 2;
  const auto refused = make(**find_kind("load.surge"), host)->resolve();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
}

TEST_CASE("a generator that leases no surge is told the rate, and the one that it had") {
  FakeHost host;
  host.load.leases = false;
  const auto surge = make(**find_kind("load.surge"), host);
  const auto resolved = surge->resolve().value();
  REQUIRE(surge->apply(resolved));
  CHECK(host.load.surge.empty());
  CHECK_FALSE(host.healthy());
  REQUIRE(surge->revert(resolved));
  CHECK(host.healthy());
}

TEST_CASE("of a load generator that is gone there is no surge to end") {
  FakeHost host;
  const auto surge = make(**find_kind("load.surge"), host);
  const auto resolved = surge->resolve().value();
  host.on_touch = [](const std::string&) { return fail(ErrorCode::kUnavailable, "refused"); };
  CHECK(surge->revert(resolved));
  host.on_touch = [](const std::string&) { return fail(ErrorCode::kTimeout, "frozen"); };
  CHECK_FALSE(surge->revert(resolved));
}

TEST_CASE("kinds are sorted, unique and say whether this node can do them") {
  const auto kinds = fault_kinds();
  CHECK(std::adjacent_find(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) {
          return std::string_view(a.name) >= b.name;
        }) == kinds.end());
  FakeHost host;
  const auto rows = kinds_json(host).at("kinds");
  CHECK(rows.size() == kinds.size());
  for (const auto& row : rows) CHECK(row.at("possible") == true);
  host.carries_links = false;
  const auto again = kinds_json(host);
  for (const auto& row : again.at("kinds")) {
    if (row.at("name") != "link.delay") continue;
    CHECK(row.at("possible") == false);
    CHECK(row.at("why_not") == "no links are carried here");
  }
}

TEST_CASE("a mistaken order is refused with its path and what was meant") {
  CHECK(find_kind("process.puase")
            .error()
            .message.starts_with("kind `process.puase` is not known (did you mean "
                                 "`process.pause`?); known are db.disconnect"));
  Problems problems;
  (void)read_request(**find_kind("link.delay"), "f1", {{"lnik", "database"}},
                     {{"delay", "2m"}, {"direction", "up"}, {"jiter", "1ms"}}, problems);
  std::vector<std::string> paths;
  for (const Problem& problem : problems.list()) paths.push_back(problem.path);
  std::sort(paths.begin(), paths.end());
  CHECK(paths == std::vector<std::string>{"params.delay", "params.direction", "params.jiter",
                                          "target.link", "target.lnik"});
}

}  // namespace
}  // namespace panshi::agent
