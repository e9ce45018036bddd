// SPDX-License-Identifier: Apache-2.0
#include "controller/journal/sqlite_journal.h"

#include <array>
#include <mutex>
#include <optional>

#include "core/base/text.h"
#include "core/io/sqlite.h"
#include "core/json/fields.h"

namespace panshi::controller {
namespace {

constexpr std::array<std::string_view, 1> kMigrations = {R"sql(
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  drill TEXT NOT NULL,
  incident TEXT NOT NULL,
  run TEXT NOT NULL,
  node TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_drill ON events (drill, seq) WHERE drill <> '';
CREATE TABLE cursors (
  node TEXT PRIMARY KEY,
  start_id TEXT NOT NULL,
  after INTEGER NOT NULL
) STRICT;
)sql"};

constexpr std::string_view kColumns = "seq, at_us, kind, drill, incident, run, node, data";

// Null when the row's data is no JSON: the file was changed by hand.
std::optional<Event> read_event(const SqlRow& row) {
  auto data = parse_json(row.text(7), 16 << 20);
  if (!data) return std::nullopt;
  return Event{.seq = row.integer(0),
               .at = from_us(row.integer(1)),
               .kind = row.text(2),
               .drill = row.text(3),
               .incident = row.text(4),
               .run = row.text(5),
               .node = row.text(6),
               .data = *std::move(data)};
}

class SqliteJournal final : public Journal {
 public:
  explicit SqliteJournal(Database database) : database_(std::move(database)) {}

  Status load() {
    return database_.query("SELECT coalesce(max(seq), 0), coalesce(max(at_us), 0) FROM events", {},
                           [this](const SqlRow& row) {
                             last_seq_ = row.integer(0);
                             newest_at_ = from_us(row.integer(1));
                           });
  }

  Status append(std::vector<Event>& events, const std::vector<AgentCursor>& cursors) override {
    if (events.empty() && cursors.empty()) return {};
    std::int64_t seq = last_seq_;
    WallTime newest = newest_at_;
    const auto done = database_.transaction([&]() -> Status {
      for (Event& event : events) {
        event.seq = ++seq;
        newest = std::max(newest, event.at);
        if (auto wrote = insert(event); !wrote) return wrote;
      }
      for (const AgentCursor& cursor : cursors) {
        if (auto wrote = keep(cursor); !wrote) return wrote;
      }
      return {};
    });
    if (!done) return fail(done.error(), "append to the journal");
    last_seq_ = seq;
    newest_at_ = newest;
    return {};
  }

  Status replay(const std::function<void(const Event&)>& each) override {
    std::int64_t expected = 1;
    std::string broken;
    const auto done = database_.query(
        cat("SELECT ", kColumns, " FROM events ORDER BY seq"), {}, [&](const SqlRow& row) {
          if (!broken.empty()) return;
          const auto event = read_event(row);
          if (!event || event->seq != expected) {
            broken = cat("event ", expected, " is missing or unreadable");
            return;
          }
          ++expected;
          each(*event);
        });
    if (!done) return fail(done.error(), "replay the journal");
    if (!broken.empty()) return fail(ErrorCode::kInternal, cat("replay the journal: ", broken));
    return {};
  }

  std::int64_t last_seq() const override { return last_seq_; }
  WallTime newest_at() const override { return newest_at_; }

  Result<std::map<std::string, AgentCursor>> cursors() override {
    std::map<std::string, AgentCursor> found;
    const auto done = database_.query(
        "SELECT node, start_id, after FROM cursors", {}, [&found](const SqlRow& row) {
          found[row.text(0)] = {
              .node = row.text(0), .start_id = row.text(1), .after = row.integer(2)};
        });
    if (!done) return fail(done.error(), "read the journal's cursors");
    return found;
  }

 private:
  Status insert(const Event& event) {
    return database_.run(
        "INSERT INTO events (seq, at_us, kind, drill, incident, run, node, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        {event.seq, to_us(event.at), event.kind, event.drill, event.incident, event.run, event.node,
         dump_json(event.data)});
  }
  Status keep(const AgentCursor& cursor) {
    return database_.run(
        "INSERT INTO cursors (node, start_id, after) VALUES (?, ?, ?) ON CONFLICT (node)"
        " DO UPDATE SET start_id = excluded.start_id, after = excluded.after",
        {cursor.node, cursor.start_id, cursor.after});
  }

  Database database_;
  std::int64_t last_seq_ = 0;
  WallTime newest_at_{};
};

class SqliteJournalReader final : public JournalReader {
 public:
  explicit SqliteJournalReader(Database database) : database_(std::move(database)) {}

  Result<JournalPage> read(const JournalQuery& query) override {
    const std::lock_guard lock(mutex_);  // one connection, few and short queries
    JournalPage page{.events = {}, .next = query.after};
    // The ceiling is read first: `next` must not pass over a row that came in between.
    const auto ceiling = database_.query(
        "SELECT coalesce(max(seq), 0) FROM events", {},
        [&page](const SqlRow& row) { page.next = std::max(page.next, row.integer(0)); });
    if (!ceiling) return fail(ceiling.error(), "read the journal");
    const auto take = [&page](const SqlRow& row) {
      if (auto event = read_event(row)) page.events.push_back(*std::move(event));
    };
    const auto done =
        query.drill.empty()
            ? database_.query(cat("SELECT ", kColumns,
                                  " FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"),
                              {query.after, page.next, query.limit}, take)
            : database_.query(
                  cat("SELECT ", kColumns,
                      " FROM events WHERE drill = ? AND drill <> '' AND seq > ? AND seq <= ?"
                      " ORDER BY seq LIMIT ?"),
                  {query.drill, query.after, page.next, query.limit}, take);
    if (!done) return fail(done.error(), "read the journal");
    if (std::cmp_greater_equal(page.events.size(), query.limit)) {
      page.next = page.events.back().seq;
    }
    return page;
  }

 private:
  std::mutex mutex_;
  Database database_;
};

}  // namespace

Result<std::unique_ptr<Journal>> open_sqlite_journal(const std::filesystem::path& file) {
  auto database = Database::open(file, Database::Mode::kReadWrite, kMigrations);
  if (!database) return fail(database.error(), cat("open the journal ", file.string()));
  auto journal = std::make_unique<SqliteJournal>(*std::move(database));
  if (const auto loaded = journal->load(); !loaded) {
    return fail(loaded.error(), cat("open the journal ", file.string()));
  }
  return journal;
}

Result<std::unique_ptr<JournalReader>> open_sqlite_journal_reader(
    const std::filesystem::path& file) {
  auto database = Database::open(file, Database::Mode::kReadOnly, kMigrations);
  if (!database) return fail(database.error(), cat("open the journal ", file.string()));
  return std::make_unique<SqliteJournalReader>(*std::move(database));
}

}  // namespace panshi::controller
