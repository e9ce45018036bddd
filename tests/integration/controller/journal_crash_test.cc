// SPDX-License-Identifier: Apache-2.0
// Promise: a writer killed at the moment between the journal and the act leaves every event that
// append() has returned for.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "controller/journal/sqlite_journal.h"
#include "tests/support/temporary_folder.h"

namespace panshi::controller {
namespace {

// In the child: appends `count` events, then dies as by kill -9, holding everything open.
[[noreturn]] void append_and_die(const std::filesystem::path& file, int count) {
  auto journal = open_sqlite_journal(file);
  if (!journal) _exit(1);
  for (int i = 0; i < count; ++i) {
    Event event;
    event.kind = "effect.intended";
    std::vector<Event> events = {event};
    if (!(*journal)->append(events, {{"keys-1", "run-1", i + 1}})) _exit(2);
  }
  kill(getpid(), SIGKILL);
  _exit(3);
}

TEST_CASE("a writer killed after an append leaves its events and cursors") {
  const TemporaryFolder folder;
  for (int start = 1; start <= 3; ++start) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) append_and_die(folder / "journal.sqlite", 5);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));

    auto reader = open_sqlite_journal_reader(folder / "journal.sqlite").value();
    CHECK(reader->read({.after = 0, .limit = 100}).value().events.size() ==
          static_cast<std::size_t>(5 * start));
    auto journal = open_sqlite_journal(folder / "journal.sqlite").value();
    CHECK(journal->last_seq() == 5 * start);
    CHECK(journal->cursors().value().at("keys-1").after == 5);
    CHECK(journal->replay([](const Event&) {}));
  }
}

}  // namespace
}  // namespace panshi::controller
