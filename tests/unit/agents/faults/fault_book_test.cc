// SPDX-License-Identifier: Apache-2.0
// The promise under test: a fault never outlives its lease, and is never applied twice, whatever
// fails, blocks or crashes in between.
#include "tests/unit/agents/faults/book_node.h"

namespace panshi::agent {
namespace {

TEST_CASE("the undo record is on disk before a fault is applied, and gone after it is reverted") {
  for (const FaultKind& kind : fault_kinds()) {
    INFO(kind.name);
    Node node;
    bool always = true;
    node.host.on_touch = [&](const std::string& what) -> Status {
      if (!what.starts_with("open_")) always = always && node.on_disk("f1");
      return {};
    };
    CHECK(state_of(node.book->put(order_on(node.host, "f1", kind.name))) == "live");
    CHECK(node.on_disk("f1"));
    CHECK_FALSE(node.host.healthy());
    CHECK(state_of(node.book->revert("f1")) == "reverted");
    CHECK_FALSE(node.on_disk("f1"));
    CHECK(node.host.healthy());
    CHECK(always);
    CHECK(node.await("fault.reverted").at("reason") == "asked");
  }
}

TEST_CASE("the same order again acts once, another body under the same id is a conflict") {
  Node node;
  REQUIRE(node.book->put(order("f1", "process.pause")));
  auto again = order("f1", "process.pause");
  again.epoch = 2;  // the controller restarted and says it again
  CHECK(state_of(node.book->put(again)) == "live");
  CHECK(node.events.size() == 1);
  CHECK(node.book->put(order("f1", "process.kill")).error().code == ErrorCode::kConflict);
}

TEST_CASE("a reverted fault stays reverted, also over a restart") {
  Node node;
  REQUIRE(node.book->put(order("f1", "link.down")));
  REQUIRE(node.book->revert("f1"));
  CHECK(state_of(node.book->put(order("f1", "link.down"))) == "reverted");
  node.start();
  CHECK(state_of(node.book->put(order("f1", "link.down"))) == "reverted");
  CHECK(state_of(node.book->revert("f1")) == "reverted");
  CHECK(node.book->put(order("f1", "link.reset")).error().code == ErrorCode::kConflict);
  CHECK(node.host.healthy());
}

TEST_CASE("an order that comes after its own revert does nothing") {
  Node node;
  CHECK(state_of(node.book->revert("f1")) == "reverted");
  node.start();
  CHECK(state_of(node.book->put(order("f1", "link.down"))) == "reverted");
  CHECK(node.host.healthy());
}

TEST_CASE("a fault whose lease runs out is reverted") {
  Node node;
  REQUIRE(node.book->put(order("f1", "process.pause", 1ms)));
  CHECK(node.await("fault.reverted").at("reason") == "lease");
  CHECK(node.host.healthy());
}

TEST_CASE("a renewal to a shorter term is followed") {
  Node node;
  REQUIRE(node.book->put(order("f1", "process.pause", 60s)));
  const std::vector<FaultId> ids = {"f1", "never-seen"};
  REQUIRE(node.book->renew(ids, 1ms));
  CHECK(node.await("fault.reverted").at("reason") == "lease");
  CHECK(node.book->renew(ids, 61s).error().code == ErrorCode::kRefused);
}

TEST_CASE("a lease that runs out while the fault is being applied is followed at once after") {
  Node node;
  std::mutex gate;
  gate.lock();
  node.host.on_touch = [&](const std::string& what) -> Status {
    if (what == cat("signal ", SIGSTOP)) const std::lock_guard wait(gate);
    return {};
  };
  std::thread caller([&] { (void)node.book->put(order("f1", "process.pause", 1ms)); });
  while (node.book->get("f1").is_null() || node.book->get("f1").at("expires_in_ms") != 0) {
    std::this_thread::yield();
  }
  gate.unlock();
  caller.join();
  node.await("fault.reverted");
  CHECK(node.host.healthy());
}

TEST_CASE("limits and guards hold whatever the controller says") {
  Node node;
  CHECK(node.book->put(order("long", "link.down", 61s)).error().code == ErrorCode::kRefused);
  for (const char* id : {"a", "b", "c"}) REQUIRE(node.book->put(order(id, "link.delay")));
  REQUIRE(node.book->put(order("d", "process.pause")));
  CHECK(node.book->put(order("e", "link.down")).error().code == ErrorCode::kRefused);
  REQUIRE(node.book->revert("a"));
  const auto twice = node.book->put(order("e", "process.pause"));
  CHECK(twice.error().code == ErrorCode::kConflict);
  CHECK(twice.error().message ==
        "fault d (process.pause) has the stopping of service orders to itself");
  auto unknown = order("f", "process.kill");
  unknown.target = {{"service", "nobody"}};
  CHECK(node.book->put(unknown).error().code == ErrorCode::kNotFound);
  CHECK_FALSE(node.on_disk("f"));
  CHECK(node.book->put(order("../f", "link.down")).error().code == ErrorCode::kInvalid);
}

TEST_CASE("a fault that cannot be applied is undone and reported as failed") {
  Node node;
  node.host.on_touch = [](const std::string& what) -> Status {
    return what.starts_with("KILL") ? fail(ErrorCode::kUnavailable, "connection lost") : Status();
  };
  const auto failed = node.book->put(order("f1", "db.disconnect"));
  CHECK(state_of(failed) == "failed");
  CHECK(failed->at("error") == "end a connection: connection lost");
  CHECK(node.await("fault.failed").at("fault") == "f1");
  CHECK(node.host.healthy());
  CHECK_FALSE(node.on_disk("f1"));
  CHECK(state_of(node.book->put(order("f1", "db.disconnect"))) == "failed");
}

TEST_CASE("a kind that throws is undone like one that fails, and the agent goes on") {
  Node node;
  node.host.on_touch = [](const std::string& what) -> Status {
    if (what.starts_with("KILL")) throw std::out_of_range("substr");
    return {};
  };
  const auto failed = node.book->put(order("f1", "db.disconnect"));
  CHECK(state_of(failed) == "failed");
  CHECK(failed->at("error") == "a defect: substr");
  CHECK(node.host.healthy());
  CHECK_FALSE(node.on_disk("f1"));
  node.host.on_touch = nullptr;
  CHECK(state_of(node.book->put(order("f2", "db.disconnect"))) == "live");
}

TEST_CASE("revert_all reverts everything and names what it could not") {
  Node node;
  REQUIRE(node.book->put(order("db", "db.disconnect")));
  REQUIRE(node.book->put(order("link", "link.down")));
  std::atomic<bool> broken = true;
  node.host.on_touch = [&](const std::string& what) -> Status {
    return broken && what == "open_sql" ? fail(ErrorCode::kUnavailable, "down") : Status();
  };
  const auto reverted = node.book->revert_all("revert_all");
  const nlohmann::json said = reverted.to_json();
  CHECK(said.at("failed").dump() == R"([{"error":"down","id":"db"}])");
  CHECK(said.at("reverted").dump() == R"(["link"])");
  REQUIRE(said.at("faults").size() == 1);  // when and why it ended, for the journal
  CHECK(said.at("faults")[0].at("reason") == "revert_all");
  broken = false;
  node.await("fault.reverted", 2);
  CHECK(node.host.healthy());
}

TEST_CASE("an agent that dies at any stage leaves nothing that the next one does not revert") {
  const auto stage = GENERATE(range(0, 5));
  for (const FaultKind& kind : fault_kinds()) {
    INFO(kind.name << ", died at stage " << stage);
    Node node;
    const auto put = order_on(node.host, "f1", kind.name);
    Problems problems;
    const auto request = read_request(kind, "f1", put.target, put.params, problems);
    const auto fault = kind.make(request, node.host);
    FaultJournal::Contents contents;
    const auto journal = FaultJournal::open(node.state / "faults", contents).value();
    UndoRecord record{.facts = {.id = "f1",
                                .epoch = 1,
                                .kind = kind.name,
                                .target = put.target,
                                .lease_ms = 60'000,
                                .drill = "d1"},
                      .resolved = fault->resolve().value()};
    record.facts.params = fault_params_json(kind, request.params);
    REQUIRE(journal->write(record));  // 0: written, not yet applied
    int left = 1;
    if (stage == 1) {  // 1: half-applied
      node.host.on_touch = [&](const std::string&) -> Status {
        return left-- > 0 ? Status() : fail(ErrorCode::kUnavailable, "killed");
      };
    }
    if (stage >= 1) (void)fault->apply(record.resolved);  // 2: applied
    node.host.on_touch = nullptr;
    if (stage >= 3) REQUIRE(fault->revert(record.resolved));  // 3: reverted, record still there
    if (stage >= 4) REQUIRE(journal->append({record.facts, "reverted", "", {}}));
    node.host.holdings().let_go("f1");  // what a process holds ends with it
    node.start();
    CHECK(node.book->get("f1").at("error") == "not reverted yet: left by an earlier run");
    const auto recovered = node.book->recover();
    CHECK(recovered.reverted == std::vector<FaultId>{"f1"});
    CHECK(recovered.failed.empty());
    CHECK(node.host.healthy());
    CHECK_FALSE(node.on_disk("f1"));
    CHECK(node.book->fsck().empty());
    CHECK(node.await("fault.reverted").at("reason") == "agent_start");
    CHECK(state_of(node.book->put(put)) == "reverted");
    CHECK(node.host.healthy());
  }
}

TEST_CASE("what is ordered before the start is over stays in force") {
  Node node;
  REQUIRE(node.book->put(order("before", "process.pause")));
  node.start();
  CHECK(state_of(node.book->put(order_on(node.host, "early", "link.down"))) == "live");
  CHECK(node.book->recover().reverted == std::vector<FaultId>{"before"});
  CHECK(node.book->get("early").at("state") == "live");
}

TEST_CASE("an undo record that cannot be understood is kept, tried, shown and cleared otherwise") {
  Node node;
  node.book.reset();
  const auto folder = node.state / "faults";
  REQUIRE(write_file_durably(folder / "torn.json", "{\"fault\":"));
  REQUIRE(write_file_durably(folder / "newer.json",
                             R"({"fault":{"id":"newer","kind":"disk.fill"},"resolved":{}})"));
  REQUIRE(write_file_durably(folder / "odd.json", R"({"fault":{"id":"odd","kind":"db.disconnect",
                             "target":{"service":"shard"}},"resolved":{"accounts":[7]}})"));
  node.start();
  const auto recovered = node.book->recover();
  CHECK(recovered.reverted.empty());
  CHECK(recovered.failed.size() == 3);  // also the one that nobody can read
  CHECK(node.book->fsck().size() == 3);
  CHECK(node.on_disk("newer"));
  // Cleared by what its order was, it is forgotten.
  CHECK(node.book->clear_lost(order("torn", "process.pause")).value().at("state") == "cleared");
  CHECK_FALSE(node.on_disk("torn"));
  CHECK(node.book->fsck().size() == 2);
}

TEST_CASE("fsck finds what others stopped and toxics that belong to no fault") {
  Node node;
  CHECK(node.book->fsck().empty());
  REQUIRE(node.host.signal(node.host.process_of("orders").value(), SIGSTOP));
  REQUIRE(node.host.links()->add_toxic("database", "stray", {.kind = Toxic::Kind::kDown}));
  REQUIRE(write_file_durably(node.state / "faults" / "lost.json", "{}"));
  std::vector<std::string> what;
  for (const Leftover& leftover : node.book->fsck()) what.push_back(leftover.what);
  REQUIRE(what.size() == 8);  // each service shows the three processes
  CHECK(what.front() == "undo record of fault lost");
  CHECK(what[1] == "stopped process 100 of service orders");
  CHECK(what.back() == "toxic stray on link database");
}

TEST_CASE("what is left of ours is cleared, what is in force or another's stays") {
  Node node;
  REQUIRE(node.book->put(order("f1", "resource.cpu")));
  node.host.machine().mark("stray");
  REQUIRE(node.host.network().start_rules("lost", {}));
  REQUIRE(node.host.links()->add_toxic("database", "stray", {.kind = Toxic::Kind::kDown}));
  REQUIRE(node.host.signal(node.host.process_of("orders").value(), SIGSTOP));
  REQUIRE(write_file_durably(node.state / "faults" / "lost.json", "{}"));
  const Cleared cleared = node.book->clear_leftovers();
  CHECK(cleared.failed.empty());
  CHECK(node.host.machine().helpers() == std::vector<std::string>{"f1"});
  CHECK(node.host.network().rules().empty());
  CHECK(node.host.links()->links().at(0).toxics.empty());
  REQUIRE(cleared.left.size() == 1);  // what an unknown record undoes, only a person can tell
  CHECK(cleared.left[0].what == "undo record of fault lost");
  CHECK_FALSE(cleared.left[0].clear);
  REQUIRE(node.book->revert("f1"));
  CHECK(node.host.healthy());
}

TEST_CASE("two faults that shape one interface: the second is refused, whichever comes first") {
  for (const auto& [first, second] :
       {std::pair("network.rate", "network.damage"), std::pair("network.damage", "network.rate"),
        std::pair("network.delay", "network.delay")}) {
    INFO(first << " before " << second);
    Node node;
    REQUIRE(state_of(node.book->put(order_on(node.host, "f1", first))) == "live");
    const auto refused = node.book->put(order_on(node.host, "f2", second));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kConflict);
    CHECK_THAT(refused.error().message, Catch::Contains("f1"));
    CHECK(node.book->get("f1").at("state") == "live");
    REQUIRE(node.book->revert("f1"));
    CHECK(node.host.healthy());
    CHECK(state_of(node.book->put(order_on(node.host, "f3", second))) == "live");
  }
}

TEST_CASE("of two faults that come at once for one interface exactly one is in force") {
  Node node;
  const auto put = [&](const char* id, const char* kind) {
    return std::async(std::launch::async, [&node, id, kind] {
      return state_of(node.book->put(order_on(node.host, id, kind)));
    });
  };
  auto one = put("f1", "network.rate");
  auto two = put("f2", "network.damage");
  const int live = (one.get() == "live" ? 1 : 0) + (two.get() == "live" ? 1 : 0);
  CHECK(live == 1);
  CHECK_FALSE(node.host.healthy());
  (void)node.book->revert_all("test");
  CHECK(node.host.healthy());
}

TEST_CASE("random histories leave no fault behind and no undo record", "[sim]") {
  const auto seed = GENERATE(range(1, 25));
  INFO("seed " << seed);
  Random random(static_cast<std::uint64_t>(seed));
  Node node;
  std::atomic<std::uint64_t> calls = 0;
  // One call in four fails. Of a load generator kUnavailable would mean that it is gone for good.
  node.host.on_touch = [&](const std::string& what) -> Status {
    Random each(static_cast<std::uint64_t>(seed) * 1000 + calls++);
    if (!each.chance(25)) return {};
    return fail(what.starts_with("/") ? ErrorCode::kTimeout : ErrorCode::kUnavailable, "bad luck");
  };
  const auto kinds = fault_kinds();
  for (int step = 0; step < 40; ++step) {
    const FaultId id = cat("f", random.below(12));
    const Duration term(static_cast<std::int64_t>(1 + random.below(3000)));
    switch (random.below(5)) {
      case 0:
      case 1:
        (void)node.book->put(order_on(node.host, id, kinds[random.below(kinds.size())].name, term));
        break;
      case 2:
        (void)node.book->renew(std::vector<FaultId>{id}, term);
        break;
      case 3:
        (void)node.book->revert(id);
        break;
      case 4:
        if (random.chance(20)) node.start(), (void)node.book->recover();
        break;
    }
    CHECK(node.book->live() <= 4);
  }
  const std::vector<FaultId> all = {"f0", "f1", "f2", "f3", "f4",  "f5",
                                    "f6", "f7", "f8", "f9", "f10", "f11"};
  (void)node.book->renew(all, 1us);
  node.host.on_touch = nullptr;  // luck turns
  while (node.book->live() > 0) std::this_thread::yield();
  (void)node.host.ensure_running("orders");  // nobody supervises here but the faults themselves
  CHECK(node.host.healthy());
  for (const FaultId& id : all) CHECK_FALSE(node.on_disk(id));
}

}  // namespace
}  // namespace panshi::agent
