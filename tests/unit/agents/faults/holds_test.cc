// SPDX-License-Identifier: Apache-2.0
// The promise under test: of two faults that would undo one another the second is refused, in
// either order and by whatever name the same processes are chosen.
#include "agents/faults/holds.h"

#include <catch2/catch.hpp>

#include "agents/faults/fault_book.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/agents/faults/fake_host.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

struct Node {
  FakeHost host;
  TemporaryFolder state;
  std::unique_ptr<FaultBook> book =
      std::move(*FaultBook::open({.directory = state / "faults"}, host));

  Result<nlohmann::json> put(const std::string& id, const std::string& kind,
                             const std::string& key = "") {
    auto params = sample_params(kind, host);
    return book->put({.id = id,
                      .epoch = 1,
                      .kind = kind,
                      .target = sample_target(kind, key),
                      .params = params.is_null() ? nlohmann::json::object() : std::move(params),
                      .lease = 60s,
                      .drill = {}});
  }
  bool stopped() { return host.process_state({.pid = 101, .start_ticks = 1}) == 'T'; }
};

// As put() answered: "live", or why not.
std::string state_of(const Result<nlohmann::json>& put) {
  if (put) return put->at("state");
  CHECK(put.error().code == ErrorCode::kConflict);
  return put.error().message;
}

const std::vector<std::string> kKeys = {"service", "process", "cgroup", "unit"};

TEST_CASE("two pauses of the same processes: the second is refused, by whatever name it comes") {
  for (const std::string& first : kKeys) {
    for (const std::string& second : kKeys) {
      INFO(first << " before " << second);
      Node node;
      REQUIRE(state_of(node.put("f1", "process.pause", first)) == "live");
      const std::string refusal = state_of(node.put("f2", "process.pause", second));
      CHECK_THAT(refusal, Catch::StartsWith("fault f1 (process.pause) has the stopping of ") ||
                              Catch::Contains("stopped already"));
      CHECK(node.stopped());
      REQUIRE(node.book->revert("f1"));
      CHECK_FALSE(node.stopped());
      CHECK(state_of(node.put("f3", "process.pause", second)) == "live");
    }
  }
}

TEST_CASE("who is paused is not killed by another fault, by whatever name it comes") {
  for (const char* kind : {"process.kill", "process.crash-loop", "process.restart"}) {
    for (const std::string& key : kKeys) {
      if (!find_fault_kind(kind)->takes(key)) continue;
      INFO(kind << " of " << key);
      Node node;
      REQUIRE(state_of(node.put("f1", "process.pause")) == "live");
      CHECK_THAT(state_of(node.put("f2", kind, key)),
                 Catch::StartsWith("fault f1 (process.pause) counts on "));
      CHECK(node.stopped());
    }
  }
}

TEST_CASE("after a kill the service that came up may be paused") {
  Node node;
  REQUIRE(state_of(node.put("f1", "process.restart")) == "live");
  CHECK(state_of(node.put("f2", "process.pause", "process")) == "live");
  REQUIRE(node.book->revert("f1"));
  CHECK(node.book->get("f2").at("measured").at("stopped") == 3);
}

TEST_CASE("what ends a service when it is reverted lets nobody pause it meanwhile") {
  for (const std::string& key : kKeys) {
    INFO(key);
    Node node;
    REQUIRE(state_of(node.put("f1", "time.skew")) == "live");
    CHECK_THAT(state_of(node.put("f2", "process.pause", key)),
               Catch::StartsWith("fault f1 (time.skew) ends "));
  }
}

TEST_CASE("two faults on the same part of a server are refused in both orders") {
  const std::vector<std::pair<const char*, const char*>> same = {
      {"db.disconnect", "db.refuse-new"},
      {"db.replication-delay", "db.replication-stop"},
      {"redis.failover", "redis.replication-break"},
      {"process.pause", "queue.leader-stop"},
      {"network.port-drop", "network.port-reject"},
      {"file.flip", "file.permission"},
      {"file.truncate", "file.flip"},
      {"dns.answer", "dns.failure"}};
  for (const auto& [one, other] : same) {
    for (const bool turned : {false, true}) {
      INFO(one << ", " << other << (turned ? ", turned" : ""));
      Node node;
      REQUIRE(state_of(node.put("f1", turned ? other : one)) == "live");
      CHECK_THAT(state_of(node.put("f2", turned ? one : other)), Catch::Contains("to itself"));
      (void)node.book->revert_all("test");
      CHECK(node.host.healthy());
    }
  }
}

TEST_CASE(
    "faults that do not undo one another are in force together, and are reverted in any order") {
  for (const bool turned : {false, true}) {
    Node node;
    const std::vector<std::pair<const char*, const char*>> all = {
        {"f1", "process.pause"}, {"f2", "resource.descriptors"}, {"f3", "link.delay"},
        {"f4", "link.delay"},    {"f5", "network.partition"},    {"f6", "resource.cpu"}};
    for (const auto& [id, kind] : all) {
      INFO(kind);
      CHECK(state_of(node.put(id, kind)) == "live");
    }
    std::vector<std::string> ids = {"f1", "f2", "f3", "f4", "f5", "f6"};
    if (turned) std::reverse(ids.begin(), ids.end());
    for (const std::string& id : ids) {
      CHECK_FALSE(node.host.healthy());
      REQUIRE(node.book->revert(id));
    }
    CHECK(node.host.healthy());
  }
}

TEST_CASE("what an earlier run left in force is held until it is reverted") {
  Node node;
  REQUIRE(state_of(node.put("f1", "process.pause")) == "live");
  node.book.reset();
  node.book = std::move(*FaultBook::open({.directory = node.state / "faults"}, node.host));
  CHECK_THAT(state_of(node.put("f2", "process.pause")), Catch::Contains("f1"));
  (void)node.book->recover();
  CHECK(state_of(node.put("f3", "process.pause", "process")) == "live");
}

}  // namespace
}  // namespace panshi::agent
