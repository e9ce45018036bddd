// SPDX-License-Identifier: Apache-2.0
// The promise under test: what fails is told, with the reason, and tried until it works.
#include "tests/unit/agents/faults/book_node.h"

namespace panshi::agent {
namespace {

TEST_CASE("a revert that goes on failing is told once, with the reason, until there is another") {
  Node node;
  REQUIRE(state_of(node.book->put(order_on(node.host, "f1", "db.read-only"))) == "live");
  std::atomic<bool> locked_out = true;
  node.host.on_touch = [&](const std::string& what) -> Status {
    if (what.starts_with("open_sql") && locked_out)
      return fail(ErrorCode::kRefused, "access denied");
    return {};
  };
  CHECK(state_of(node.book->revert("f1")) == "live");
  CHECK_THAT(node.await("fault.stuck").at("error").get<std::string>(),
             Catch::Contains("access denied"));
  locked_out = false;
  (void)node.await("fault.reverted");
  const std::lock_guard lock(node.mutex);
  CHECK(std::count_if(node.events.begin(), node.events.end(),
                      [](const auto& each) { return each.first == "fault.stuck"; }) == 1);
}

TEST_CASE("what a server denies is a definite no, which nobody is to ask for again") {
  Node node;
  node.host.on_touch = [](const std::string& what) -> Status {
    if (what.starts_with("open_sql")) return fail(ErrorCode::kInternal, "SELECT command denied");
    return {};
  };
  const auto refused = node.book->put(order_on(node.host, "f1", "db.disconnect"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::Contains("SELECT command denied"));
}

TEST_CASE("a revert that fails is tried until it works, and is visible meanwhile") {
  Node node;
  REQUIRE(node.book->put(order("f1", "db.disconnect")));
  std::atomic<bool> broken = true;
  node.host.on_touch = [&](const std::string&) -> Status {
    return broken ? fail(ErrorCode::kUnavailable, "server is down") : Status();
  };
  const auto first = node.book->revert("f1");
  CHECK(state_of(first) == "live");
  CHECK(first->at("error") == "not reverted yet: server is down");
  const auto leftovers = node.book->fsck();
  // The fault and the two accounts it locked; and that the servers cannot be asked.
  const auto hinted = [&](const std::string& hint) {
    return std::count_if(leftovers.begin(), leftovers.end(),
                         [&](const Leftover& each) { return each.clear_hint == hint; });
  };
  CHECK(hinted("ALTER USER 'it''s'@'%' ACCOUNT UNLOCK;") == 1);
  CHECK(leftovers.size() == 6);
  CHECK(node.on_disk("f1"));
  broken = false;
  node.await("fault.reverted");
  CHECK(node.host.healthy());
}

TEST_CASE("a revert that blocks delays no other") {
  Node node;
  REQUIRE(node.book->put(order("slow", "db.disconnect")));
  REQUIRE(node.book->put(order("quick", "process.pause")));
  std::mutex gate;
  gate.lock();
  node.host.on_touch = [&](const std::string& what) -> Status {
    if (what == "open_sql") const std::lock_guard wait(gate);
    return {};
  };
  std::thread caller([&] { (void)node.book->revert("slow"); });
  CHECK(state_of(node.book->revert("quick")) == "reverted");
  CHECK(node.book->get("slow").at("state") == "live");
  gate.unlock();
  caller.join();
  CHECK(node.host.healthy());
}

TEST_CASE("what cannot be cleared is told with the reason, and is still there") {
  Node node;
  node.host.machine().mark("stray");
  node.host.on_touch = [](const std::string& what) -> Status {
    return what == "end_helpers" ? fail(ErrorCode::kTimeout, "does not end") : Status();
  };
  const Cleared cleared = node.book->clear_leftovers();
  REQUIRE(cleared.failed.size() == 1);
  CHECK(cleared.failed[0].second == "does not end");
  CHECK(cleared.left.size() == 1);
  CHECK(cleared.cleared.empty());
}

TEST_CASE("who is about to end insists on a revert that fails at first") {
  Node node;
  REQUIRE(node.book->put(order("f1", "process.pause")));
  std::atomic<int> left = 3;
  const auto stubborn = [&](const std::string& what) -> Status {
    if (what.starts_with("signal") && left-- > 0) return fail(ErrorCode::kUnavailable, "not yet");
    return {};
  };
  node.host.on_touch = stubborn;
  const bool at_start = GENERATE(true, false);
  if (at_start) node.start();
  const auto reverted =
      at_start ? node.book->recover(20s) : node.book->revert_all("agent_stop", 20s);
  CHECK(reverted.reverted == std::vector<FaultId>{"f1"});
  CHECK(reverted.failed.empty());
  CHECK(node.host.healthy());
}

}  // namespace
}  // namespace panshi::agent
