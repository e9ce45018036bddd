// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/inbox.h"

#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr std::string_view kInboxMigrations[] = {
    "CREATE TABLE inbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE,"
    " subject TEXT NOT NULL, order_id TEXT NOT NULL, user_id TEXT NOT NULL,"
    " product TEXT NOT NULL, amount_cents INTEGER NOT NULL, at_us INTEGER NOT NULL) STRICT;"
    "CREATE INDEX inbox_user ON inbox (user_id, seq);"
    "CREATE TABLE done (only_row INTEGER PRIMARY KEY CHECK (only_row = 1),"
    " until INTEGER NOT NULL) STRICT;"
    "INSERT INTO done VALUES (1, 0);"};

InboxRow row_of(const SqlRow& row) {
  return {.seq = row.integer(0),
          .subject = row.text(1),
          .order = row.text(2),
          .user = row.text(3),
          .product = row.text(4),
          .amount_cents = row.integer(5),
          .at_us = row.integer(6)};
}

}  // namespace

Result<Inbox> Inbox::open(const std::filesystem::path& file) {
  auto database = Database::open(file, Database::Mode::kReadWrite, kInboxMigrations);
  if (!database) return fail(database.error(), cat("open the inbox ", file.string()));
  return Inbox(*std::move(database));
}

Status Inbox::take(const std::vector<InboxEvent>& events, WallTime now) {
  const std::lock_guard lock(mutex_);
  return database_.transaction([&]() -> Status {
    for (const auto& [subject, order] : events) {
      const Status written = database_.run(
          "INSERT OR IGNORE INTO inbox (message_id, subject, order_id, user_id, product,"
          " amount_cents, at_us) VALUES (?, ?, ?, ?, ?, ?, ?)",
          {cat(subject, ":", order.order), subject, order.order, order.user, order.product,
           order.amount_cents, to_us(now)});
      if (!written) return written;
    }
    return {};
  });
}

Result<std::vector<InboxRow>> Inbox::read(std::int64_t after, std::int64_t limit,
                                          const std::string& user) {
  const std::lock_guard lock(mutex_);
  std::vector<InboxRow> rows;
  const Status done = database_.query(
      "SELECT seq, subject, order_id, user_id, product, amount_cents, at_us FROM inbox"
      " WHERE seq > ? AND (? = '' OR user_id = ?) ORDER BY seq LIMIT ?",
      {after, user, user, limit}, [&](const SqlRow& row) { rows.push_back(row_of(row)); });
  if (!done) return tl::unexpected(done.error());
  return rows;
}

Result<std::int64_t> Inbox::count() {
  const std::lock_guard lock(mutex_);
  std::int64_t count = 0;
  const Status done = database_.query("SELECT count(*) FROM inbox", {},
                                      [&](const SqlRow& row) { count = row.integer(0); });
  if (!done) return tl::unexpected(done.error());
  return count;
}

Result<std::int64_t> Inbox::done_until() {
  const std::lock_guard lock(mutex_);
  std::int64_t until = 0;
  const Status done = database_.query("SELECT until FROM done", {},
                                      [&](const SqlRow& row) { until = row.integer(0); });
  if (!done) return tl::unexpected(done.error());
  return until;
}

Status Inbox::set_done_until(std::int64_t seq) {
  const std::lock_guard lock(mutex_);
  return database_.run("UPDATE done SET until = ?", {seq});
}

}  // namespace panshi::shop
