// SPDX-License-Identifier: Apache-2.0
// The promise under test: what was written is read back after a crash at any byte, and the list of
// ended faults is bounded.
#include "agents/faults/fault_journal.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

EndedFault ended(const std::string& id) {
  return {.facts = {.id = id, .kind = "link.down"}, .state = "reverted", .error = ""};
}

FaultJournal::Contents reopen(const TemporaryFolder& folder) {
  FaultJournal::Contents contents;
  REQUIRE(FaultJournal::open(folder.path(), contents));
  return contents;
}

TEST_CASE("an undo record is read back as it was written") {
  TemporaryFolder folder;
  FaultJournal::Contents contents;
  const auto journal = FaultJournal::open(folder.path(), contents).value();
  const UndoRecord record{.facts = {.id = "f1",
                                    .epoch = 7,
                                    .kind = "link.delay",
                                    .target = {{"link", "database"}},
                                    .params = {{"delay", "5ms"}},
                                    .lease_ms = 9,
                                    .drill = "d"},
                          .resolved = {{"link", "database"}}};
  REQUIRE(journal->write(record));
  const auto read = reopen(folder);
  REQUIRE(read.in_force.size() == 1);
  CHECK(read.in_force[0].facts.same_order(record.facts));
  CHECK(read.in_force[0].facts.epoch == 7);
  CHECK(read.in_force[0].resolved == record.resolved);
  REQUIRE(journal->remove("f1"));
  REQUIRE(journal->remove("f1"));
  CHECK(reopen(folder).in_force.empty());
}

TEST_CASE("a last line cut short by a crash is dropped and harms no later one") {
  TemporaryFolder folder;
  FaultJournal::Contents contents;
  {
    const auto journal = FaultJournal::open(folder.path(), contents).value();
    REQUIRE(journal->append(ended("f1")));
    REQUIRE(journal->append(ended("f2")));
  }
  const std::string whole = read_file(folder / "ended.jsonl").value();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO("cut at byte " << size);
    REQUIRE(write_file_durably(folder / "ended.jsonl", whole.substr(0, size)));
    FaultJournal::Contents cut;
    const auto journal = FaultJournal::open(folder.path(), cut).value();
    REQUIRE(journal->append(ended("f3")));
    const auto read = reopen(folder);
    CHECK(read.ended.size() == cut.ended.size() + 1);
    CHECK(read.ended.back().facts.id == "f3");
  }
}

TEST_CASE("only the last thousand ended faults are kept, in memory and on disk") {
  TemporaryFolder folder;
  std::ofstream lines(folder / "ended.jsonl");
  for (int i = 0; i < 3000; ++i) {
    lines << R"({"fault":{"id":"f)" << i << R"(","kind":"link.down"},"state":"reverted"})"
          << "\n";
  }
  lines.close();
  const auto read = reopen(folder);
  REQUIRE(read.ended.size() == FaultJournal::kEndedMax);
  CHECK(read.ended.front().facts.id == "f2000");
  const std::string text = read_file(folder / "ended.jsonl").value();
  CHECK(std::count(text.begin(), text.end(), '\n') == 1000);
}

}  // namespace
}  // namespace panshi::agent
