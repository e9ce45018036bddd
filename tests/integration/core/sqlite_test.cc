// SPDX-License-Identifier: Apache-2.0
// Promise: what was committed is there for the next to open, what failed never happened, and a
// database of another version is not touched.
#include "core/io/sqlite.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "core/base/text.h"
#include "core/io/files.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

using Mode = Database::Mode;

constexpr std::string_view kFirst =
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size REAL, "
    "count INTEGER CHECK (count >= 0)) STRICT";
constexpr std::string_view kSecond =
    "CREATE TABLE part (item INTEGER NOT NULL REFERENCES item(id)) STRICT;"
    "INSERT INTO item (name) VALUES ('from migration')";
const std::vector<std::string_view> kBoth = {kFirst, kSecond};

Database open(const std::filesystem::path& file, Mode mode = Mode::kReadWrite) {
  auto database = Database::open(file, mode, kBoth);
  if (!database) FAIL(database.error().message);
  return std::move(*database);
}

std::int64_t count_items(Database& database) {
  std::int64_t count = -1;
  REQUIRE(database.query("SELECT count(*) FROM item", {},
                         [&](const SqlRow& row) { count = row.integer(0); }));
  return count;
}

std::string setting(Database& database, const std::string& name) {
  std::string value;
  REQUIRE(database.query("PRAGMA " + name, {}, [&](const SqlRow& row) { value = row.text(0); }));
  return value;
}

TEST_CASE("values come back as they went in") {
  const TemporaryFolder folder;
  Database database = open(folder / "db");
  const std::string odd("zero\0 \xf0\x9f\xaa\xa8 'quote", 18);
  REQUIRE(database.run("INSERT INTO item (name, size, count) VALUES (?, ?, ?)",
                       {odd, 2.5, std::int64_t{1} << 62}));
  CHECK(database.last_insert_id() == 2);
  CHECK(database.changes() == 1);
  REQUIRE(database.run("INSERT INTO item (name, size) VALUES (?, ?)", {"", nullptr}));
  std::vector<std::string> names;
  REQUIRE(database.query("SELECT name, size, count FROM item WHERE id > ? ORDER BY id",
                         {std::int64_t{1}}, [&](const SqlRow& row) {
                           names.push_back(row.text(0));
                           CHECK(row.is_null(2) == row.is_null(1));
                           if (!row.is_null(1)) {
                             CHECK(row.real(1) == 2.5);
                             CHECK(row.integer(2) == std::int64_t{1} << 62);
                           }
                         }));
  CHECK(names == std::vector<std::string>{odd, ""});
}

TEST_CASE("the connection is set up to survive a power cut") {
  const TemporaryFolder folder;
  Database database = open(folder / "db");
  CHECK(setting(database, "journal_mode") == "wal");
  CHECK(setting(database, "synchronous") == "2");  // FULL
  CHECK(setting(database, "foreign_keys") == "1");
  CHECK(setting(database, "busy_timeout") == "5000");
}

TEST_CASE("a violated constraint is a conflict, a wrong statement an internal error") {
  const TemporaryFolder folder;
  Database database = open(folder / "db");
  const auto code = [&](const std::string& sql) {
    const auto done = database.run(sql);
    REQUIRE_FALSE(done);
    return done.error().code;
  };
  CHECK(code("INSERT INTO item (name) VALUES ('from migration')") == ErrorCode::kConflict);
  CHECK(code("INSERT INTO item (name, count) VALUES ('a', -1)") == ErrorCode::kConflict);
  CHECK(code("INSERT INTO item (name, count) VALUES ('a', 'text')") == ErrorCode::kConflict);
  CHECK(code("INSERT INTO part VALUES (99)") == ErrorCode::kConflict);
  CHECK(code("INSERT INTO nothing VALUES (1)") == ErrorCode::kInternal);
  CHECK(code("SELECT \"no such column\" FROM item") == ErrorCode::kInternal);
  CHECK(code("DELETE FROM item; DELETE FROM item") == ErrorCode::kInternal);
  CHECK(code("") == ErrorCode::kInternal);
  CHECK(code("SELECT ?") == ErrorCode::kInternal);
  CHECK_FALSE(database.run("SELECT 1", {nullptr}));
  CHECK(count_items(database) == 1);
}

TEST_CASE("a transaction that fails or throws never happened") {
  const TemporaryFolder folder;
  Database database = open(folder / "db");
  const auto insert = [&] { return database.run("INSERT INTO item (name) VALUES ('a')"); };
  const auto failed = database.transaction([&]() -> Status {
    REQUIRE(insert());
    return insert();
  });
  CHECK(failed.error().code == ErrorCode::kConflict);
  CHECK(count_items(database) == 1);
  CHECK_THROWS_AS(database.transaction([&]() -> Status {
    REQUIRE(insert());
    throw std::runtime_error("x");
  }),
                  std::runtime_error);
  CHECK(count_items(database) == 1);
  CHECK(database.transaction(insert));
  CHECK(count_items(database) == 2);
}

TEST_CASE("statements run within the rows of the same statement") {
  const TemporaryFolder folder;
  Database database = open(folder / "db");
  REQUIRE(database.run("INSERT INTO item (name) VALUES ('a')"));
  int pairs = 0;
  const char* const sql = "SELECT id FROM item";
  REQUIRE(database.query(sql, {}, [&](const SqlRow& outer) {
    const std::int64_t id = outer.integer(0);
    REQUIRE(database.query(sql, {}, [&](const SqlRow&) { ++pairs; }));
    CHECK(outer.integer(0) == id);
  }));
  CHECK(pairs == 4);
}

TEST_CASE("more statements than the cache holds all work") {
  const TemporaryFolder folder;
  Database database = open(folder / "db");
  std::int64_t sum = 0;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 300; ++i) {
      REQUIRE(
          database.query(cat("SELECT ", i), {}, [&](const SqlRow& row) { sum += row.integer(0); }));
    }
  }
  CHECK(sum == 2 * 299 * 300 / 2);
}

TEST_CASE("migrations run once, from wherever the database stands") {
  const TemporaryFolder folder;
  {
    const std::vector<std::string_view> first = {kFirst};
    auto old = Database::open(folder / "db", Mode::kReadWrite, first);
    REQUIRE(old);
    REQUIRE(old->run("INSERT INTO item (name) VALUES ('kept')"));
    CHECK(Database::open(folder / "db", Mode::kReadOnly, kBoth).error().code ==
          ErrorCode::kRefused);
  }
  for (int i = 0; i < 2; ++i) {
    Database database = open(folder / "db");
    CHECK(count_items(database) == 2);
    CHECK(setting(database, "user_version") == "2");
  }
}

TEST_CASE("a migration that fails leaves the database as it was") {
  const TemporaryFolder folder;
  {
    const std::vector<std::string_view> first = {kFirst};
    REQUIRE(Database::open(folder / "db", Mode::kReadWrite, first));
  }
  const std::vector<std::string_view> bad = {kFirst, kSecond, "CREATE TABLE broken ("};
  const auto failed = Database::open(folder / "db", Mode::kReadWrite, bad);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.find("migration 3") != std::string::npos);
  Database database = open(folder / "db");  // from version 1: the second is not there twice
  CHECK(count_items(database) == 1);
}

TEST_CASE("a newer database and what is no database are refused untouched") {
  const TemporaryFolder folder;
  open(folder / "db");
  const std::vector<std::string_view> first = {kFirst};
  for (const Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    const auto refused = Database::open(folder / "db", mode, first);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kRefused);
    CHECK(refused.error().message.find("version 2") != std::string::npos);
  }
  const std::string text(8'192, 'x');
  REQUIRE(write_file_durably(folder / "text", text));
  CHECK(Database::open(folder / "text", Mode::kReadWrite, kBoth).error().code ==
        ErrorCode::kRefused);
  CHECK(*read_file(folder / "text") == text);
}

TEST_CASE("a reader sees what is committed, cannot write, and wants a file") {
  const TemporaryFolder folder;
  CHECK(Database::open(folder / "db", Mode::kReadOnly, kBoth).error().code == ErrorCode::kNotFound);
  CHECK_FALSE(std::filesystem::exists(folder / "db"));
  Database writer = open(folder / "db");
  Database reader = open(folder / "db", Mode::kReadOnly);
  CHECK(Database::open(folder / "db", Mode::kReadOnly, {}));
  CHECK(count_items(reader) == 1);
  REQUIRE(writer.transaction([&]() -> Status {
    REQUIRE(writer.run("INSERT INTO item (name) VALUES ('a')"));
    CHECK(count_items(reader) == 1);
    return {};
  }));
  CHECK(count_items(reader) == 2);
  CHECK_FALSE(reader.run("DELETE FROM item"));
}

TEST_CASE("two writers take turns") {
  const TemporaryFolder folder;
  open(folder / "db");
  constexpr int kEach = 50;
  std::array<int, 2> failures = {};
  const auto write = [&](std::size_t who) {
    auto database = Database::open(folder / "db", Mode::kReadWrite, kBoth);
    for (int i = 0; i < kEach; ++i) {
      // Read, then write: would fail at once if the transaction did not begin with its lock.
      const auto done = database->transaction([&]() -> Status {
        std::int64_t next = 0;
        if (auto read = database->query("SELECT max(id) + 1 FROM item", {},
                                        [&](const SqlRow& row) { next = row.integer(0); });
            !read) {
          return read;
        }
        return database->run("INSERT INTO item (id, name) VALUES (?, ?)",
                             {next, cat("item ", next)});
      });
      if (!done) ++failures[who];
    }
  };
  std::thread other(write, 1);
  write(0);
  other.join();
  CHECK(failures == std::array<int, 2>{});
  Database database = open(folder / "db");
  CHECK(count_items(database) == 1 + 2 * kEach);
}

TEST_CASE("what was committed is there after a kill, and nothing half done") {
  const TemporaryFolder folder;
  std::array<int, 2> ready = {};
  REQUIRE(::pipe(ready.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto database = Database::open(folder / "db", Mode::kReadWrite, kBoth);
    bool fine = database && database->run("INSERT INTO item (name) VALUES ('committed')");
    fine = fine && database->transaction([&]() -> Status {
      (void)database->run("INSERT INTO item (name) VALUES ('half done')");
      (void)!::write(ready[1], "x", 1);
      while (true) ::pause();
    });
    ::_exit(fine ? 0 : 1);
  }
  ::close(ready[1]);
  char signal = 0;
  CHECK(::read(ready[0], &signal, 1) == 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  Database database = open(folder / "db");
  CHECK(count_items(database) == 2);
}

TEST_CASE("a backup is whole and never overwrites") {
  const TemporaryFolder folder;
  Database database = open(folder / "db");
  REQUIRE(database.backup_to(folder / "copy"));
  CHECK(database.backup_to(folder / "copy").error().code == ErrorCode::kConflict);
  Database copy = open(folder / "copy");
  CHECK(count_items(copy) == 1);
}

}  // namespace
}  // namespace panshi
