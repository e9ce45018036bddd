// SPDX-License-Identifier: Apache-2.0
// The promise under test: no kind of fault is without its look, should its undo record be lost.
#include "agents/faults/traces/traces.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "agents/faults/fsck.h"
#include "tests/unit/agents/faults/mendable.h"

namespace panshi::agent {
namespace {

// Of these nothing can be found: it ends with the agent's process, or it cannot be told from what
// happens by itself.
bool leaves_no_trace(const FaultKind& kind) {
  const auto traces = traces_of(kind.name);
  return std::all_of(traces.begin(), traces.end(), [](Trace trace) {
    return trace_row(trace).part[0] == '\0' || trace == Trace::kEnded || trace == Trace::kRedisRole;
  });
}

TEST_CASE("fsck finds what any fault does to a node whose undo record is lost") {
  for (const auto& [kind, key] : mendable()) {
    if (leaves_no_trace(*kind)) continue;
    INFO(kind->name << " of " << key);
    FakeHost host;
    const auto fault = make(*kind, host, key);
    const auto resolved = fault->resolve().value();
    if (std::string_view(kind->name) == "db.read-only")
      host.mariadb->promote();  // a replica may be
    const FsckView nothing_in_force;
    REQUIRE(find_leftovers(nothing_in_force, host).empty());
    REQUIRE(fault->apply(resolved));
    CHECK_FALSE(find_leftovers(nothing_in_force, host).empty());
    REQUIRE(fault->revert(resolved));
    fault->forget();
    CHECK(find_leftovers(nothing_in_force, host).empty());
  }
}

TEST_CASE("what nothing is found of may not be over, and is never called cleared") {
  for (const auto& [kind, key] : mendable()) {
    INFO(kind->name << " of " << key);
    FakeHost host;
    const ClearedTraces cleared = clear_traces(kind->name, request_of(*kind, host, key), host);
    CHECK(cleared.done.size() + cleared.left.size() >= traces_of(kind->name).size());
  }
}

}  // namespace
}  // namespace panshi::agent
