// SPDX-License-Identifier: Apache-2.0
// The promise under test: a service's chosen calls fail or wait while the fault is in force, and it
// goes on as before when that is reverted, whoever reverts it.
#include <catch2/catch.hpp>

#include "agents/faults/fault_book.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/eventually.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Writes without end; leaves `good` or `bad`, each without writing.
struct Writer {
  Writer()
      : group({"/bin/sh", "-c",
               cat("cd ", folder.path().string(),
                   "; while :; do if echo x > probe; then : > good; else : > bad; fi; done "
                   "2>/dev/null")}) {
    host.leaders["orders"] = group.name();
    host.set_scope({.node = "here", .state = folder / "state"});
  }
  Result<nlohmann::json> put(const std::string& kind, nlohmann::json params) {
    params["call"] = "write";
    return book->put({.id = "f1",
                      .epoch = 1,
                      .kind = kind,
                      .target = {{"service", "orders"}},
                      .params = std::move(params),
                      .lease = 60s,
                      .drill = {}});
  }
  // The next round leaves it anew.
  bool leaves(const char* what) const {
    fs::remove(folder / what);
    return eventually([&] { return fs::exists(folder / what); });
  }
  bool traced() { return host.machine().tracer_of(group.name()) != 0; }

  TemporaryFolder folder;
  Group group;
  RealHost host;
  std::unique_ptr<FaultBook> book =
      std::move(*FaultBook::open({.directory = folder / "faults"}, host));
};

void needs_a_tracer(Writer& writer) {
  if (!writer.host.machine().tracer().empty()) return;
  skip_case("strace is not installed, or nobody may be traced here");
}

TEST_CASE("chosen calls of a service fail as ordered until it is reverted") {
  Writer writer;
  needs_a_tracer(writer);
  REQUIRE(writer.leaves("good"));
  const auto live = writer.put("syscall.error", {{"error", "ENOSPC"}});
  INFO((live ? "" : live.error().message));
  REQUIRE(live);
  CHECK(live->at("measured") == nlohmann::json{{"processes", 1}, {"traced", 1}});
  CHECK(writer.leaves("bad"));
  REQUIRE(writer.book->revert("f1"));
  CHECK_FALSE(writer.traced());
  CHECK(writer.leaves("good"));
  CHECK(writer.host.machine().helpers().empty());
}

TEST_CASE("chosen calls of a service wait as ordered until it is reverted") {
  Writer writer;
  needs_a_tracer(writer);
  REQUIRE(writer.put("syscall.delay", {{"delay", "10s"}}));
  // Held by its tracer, and not only for the moment that each call takes.
  CHECK(eventually([&] {
    for (int looks = 0; looks < 50; ++looks) {
      if (writer.host.process_state(writer.group.name()) != 't') return false;
    }
    return true;
  }));
  REQUIRE(writer.book->revert("f1"));
  CHECK(writer.leaves("good"));
}

TEST_CASE("a service traced by an agent that is gone is let go by the next one") {
  Writer writer;
  needs_a_tracer(writer);
  REQUIRE(writer.put("syscall.error", {}));
  writer.book.reset();
  writer.host.holdings().let_go_all();  // as its death does
  writer.book = std::move(*FaultBook::open({.directory = writer.folder / "faults"}, writer.host));
  CHECK(writer.book->recover().reverted == std::vector<FaultId>{"f1"});
  CHECK_FALSE(writer.traced());
  CHECK(writer.leaves("good"));
}

TEST_CASE("a service that somebody traces already is refused") {
  Writer writer;
  needs_a_tracer(writer);
  REQUIRE(writer.put("syscall.error", {}));
  const auto second = writer.book->put({.id = "f2",
                                        .epoch = 1,
                                        .kind = "syscall.delay",
                                        .target = {{"service", "orders"}},
                                        .params = {{"call", "read"}},
                                        .lease = 60s,
                                        .drill = {}});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kConflict);
  REQUIRE(writer.book->revert("f1"));
}

}  // namespace
}  // namespace panshi::agent
