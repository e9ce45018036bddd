// SPDX-License-Identifier: Apache-2.0
// Promise: what was appended is there, whole, in order and without gaps, after any restart; readers
// see it page by page and never skip an event.
#include "controller/journal/journal.h"

#include <catch2/catch.hpp>

#include "controller/journal/sqlite_journal.h"
#include "core/io/sqlite.h"
#include "tests/support/temporary_folder.h"

namespace panshi::controller {
namespace {

Event make(std::string kind, std::string drill = "") {
  static std::int64_t at_us = 1'700'000'000'000'000;
  Event event;
  event.at = from_us(++at_us);
  event.kind = std::move(kind);
  event.drill = std::move(drill);
  event.data = {{"text", "päge \"one\"\n"}, {"value", 0.5}};
  return event;
}

std::vector<std::string> kinds(const std::vector<Event>& events) {
  std::vector<std::string> all;
  for (const Event& event : events) all.push_back(event.kind);
  return all;
}

TEST_CASE("events come back whole after the journal is opened again") {
  const TemporaryFolder folder;
  std::vector<Event> written = {make("a", "d-1"), make("b")};
  written[0].incident = "i-1";
  written[0].run = "r-1";
  written[0].node = "keys-1";
  {
    auto journal = open_sqlite_journal(folder / "journal.sqlite").value();
    REQUIRE(journal->append(written, {}));
  }
  auto journal = open_sqlite_journal(folder / "journal.sqlite").value();
  std::vector<Event> read;
  REQUIRE(journal->replay([&read](const Event& event) { read.push_back(event); }));
  REQUIRE(read.size() == 2);
  CHECK(to_json(read[0]) == to_json(written[0]));
  CHECK(to_json(read[1]) == to_json(written[1]));
  CHECK(journal->newest_at() == written[1].at);
}

TEST_CASE("events are numbered from one without gaps over restarts") {
  const TemporaryFolder folder;
  for (std::int64_t start = 0; start < 3; ++start) {
    auto journal = open_sqlite_journal(folder / "journal.sqlite").value();
    CHECK(journal->last_seq() == 2 * start);
    std::vector<Event> events = {make("a"), make("b")};
    REQUIRE(journal->append(events, {}));
    CHECK(events[0].seq == 2 * start + 1);
    CHECK(events[1].seq == 2 * start + 2);
  }
}

TEST_CASE("an append that fails leaves nothing behind and the numbers as they were") {
  const TemporaryFolder folder;
  auto journal = open_sqlite_journal(folder / "journal.sqlite").value();
  std::vector<Event> first = {make("a")};
  REQUIRE(journal->append(first, {}));
  {  // another writer takes the next number: the second of two events cannot be written
    auto intruder =
        Database::open(folder / "journal.sqlite", Database::Mode::kReadWrite, {{""}}).value();
    REQUIRE(intruder.run("INSERT INTO events VALUES (3, 0, 'x', '', '', '', '', '{}')"));
  }
  std::vector<Event> more = {make("b"), make("c")};
  CHECK_FALSE(journal->append(more, {}));
  CHECK(journal->last_seq() == 1);
  auto reader = open_sqlite_journal_reader(folder / "journal.sqlite").value();
  CHECK(kinds(reader->read({.after = 0, .limit = 10}).value().events) ==
        std::vector<std::string>{"a", "x"});
  CHECK_FALSE(journal->replay([](const Event&) {}));  // the gap is noticed
}

TEST_CASE("a cursor becomes durable together with the events made from it") {
  const TemporaryFolder folder;
  {
    auto journal = open_sqlite_journal(folder / "journal.sqlite").value();
    std::vector<Event> events = {make("a")};
    REQUIRE(journal->append(events, {{"keys-1", "run-1", 7}, {"app-1", "run-9", 1}}));
    REQUIRE(journal->append(events, {{"keys-1", "run-1", 9}}));
  }
  auto journal = open_sqlite_journal(folder / "journal.sqlite").value();
  const auto cursors = journal->cursors().value();
  REQUIRE(cursors.size() == 2);
  CHECK(cursors.at("keys-1").start_id == "run-1");
  CHECK(cursors.at("keys-1").after == 9);
}

TEST_CASE("readers page through everything, or through one drill, and skip nothing") {
  const TemporaryFolder folder;
  auto journal = open_sqlite_journal(folder / "journal.sqlite").value();
  auto reader = open_sqlite_journal_reader(folder / "journal.sqlite").value();
  CHECK(reader->read({}).value().next == 0);
  std::vector<Event> events = {make("a", "d-1"), make("b"),        make("c", "d-2"),
                               make("d", "d-1"), make("e", "d-1"), make("f")};
  REQUIRE(journal->append(events, {}));

  const auto first = reader->read({.after = 0, .limit = 4}).value();
  CHECK(kinds(first.events) == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(first.next == 4);
  CHECK(kinds(reader->read({.after = 4, .limit = 4}).value().events) ==
        std::vector<std::string>{"e", "f"});

  const auto drill = reader->read({.after = 0, .limit = 2, .drill = "d-1"}).value();
  CHECK(kinds(drill.events) == std::vector<std::string>{"a", "d"});
  CHECK(drill.next == 4);
  const auto rest = reader->read({.after = drill.next, .limit = 2, .drill = "d-1"}).value();
  CHECK(kinds(rest.events) == std::vector<std::string>{"e"});
  CHECK(rest.next == 6);  // `f` was looked at and is not looked at again
}

}  // namespace
}  // namespace panshi::controller
