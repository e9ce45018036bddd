// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/migrations.h"

#include <charconv>

#include "core/base/ids.h"
#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr const char* kLock = "shop.migrations";
constexpr const char* kDatabase =
    "CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS shop.migrations ("
    " version INT NOT NULL PRIMARY KEY,"
    " name VARCHAR(64) NOT NULL,"
    " checksum CHAR(16) NOT NULL,"
    " applied_at_us BIGINT NOT NULL) ENGINE=InnoDB";

Result<std::vector<AppliedMigration>> read_applied(MariaDb& database) {
  ASSIGN_OR_RETURN(
      const MariaDb::Answer answer,
      database.run("SELECT version, name, checksum FROM shop.migrations ORDER BY version"));
  std::vector<AppliedMigration> applied;
  for (const MariaDb::Row& row : answer.rows) {
    AppliedMigration one = {.name = row[1].value_or(""), .checksum = row[2].value_or("")};
    const std::string version = row[0].value_or("");
    std::from_chars(version.data(), version.data() + version.size(), one.version);
    applied.push_back(std::move(one));
  }
  return applied;
}

Result<std::size_t> carry_out(MariaDb& database, std::span<const Migration> steps, WallTime now) {
  for (const char* statement : {kDatabase, kTable}) {
    if (auto made = database.script(statement); !made) return tl::unexpected(made.error());
  }
  ASSIGN_OR_RETURN(const auto applied, read_applied(database));
  ASSIGN_OR_RETURN(const std::size_t had, count_applied(steps, applied));
  for (std::size_t i = had; i < steps.size(); ++i) {
    const std::string which = cat("migration ", i + 1, " (", steps[i].name, ")");
    if (auto done = database.script(steps[i].sql); !done) return fail(done.error(), which);
    const auto noted = database.run(
        "INSERT INTO shop.migrations (version, name, checksum, applied_at_us) VALUES (?, ?, ?, ?)",
        {static_cast<std::int64_t>(i + 1), steps[i].name, checksum_of(steps[i]), to_us(now)});
    if (!noted) return fail(noted.error(), which);
  }
  return steps.size() - had;
}

}  // namespace

std::string checksum_of(const Migration& step) { return hex16(fnv1a(step.sql)); }

Result<std::size_t> count_applied(std::span<const Migration> steps,
                                  const std::vector<AppliedMigration>& applied) {
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const AppliedMigration& one = applied[i];
    const std::string which = cat("migration ", one.version, " (", one.name, ")");
    if (one.version != static_cast<std::int64_t>(i + 1)) {
      return fail(ErrorCode::kRefused, cat(which, " is there, but migration ", i + 1, " is not"));
    }
    if (i >= steps.size()) {
      return fail(ErrorCode::kRefused, cat(which, " is newer than this program"));
    }
    if (one.checksum != checksum_of(steps[i])) {
      return fail(ErrorCode::kRefused,
                  cat(which, " was changed after this database had it; make a new one instead"));
    }
  }
  return applied.size();
}

Result<std::size_t> migrate(MariaDb& database, std::span<const Migration> steps, WallTime now,
                            Duration patience) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(patience).count();
  ASSIGN_OR_RETURN(const MariaDb::Answer locked,
                   database.run("SELECT GET_LOCK(?, ?)", {kLock, std::int64_t{seconds}}));
  if (locked.rows.at(0).at(0).value_or("0") != "1") {
    return fail(ErrorCode::kUnavailable, "another process is migrating this database");
  }
  auto done = carry_out(database, steps, now);
  // Should this fail, the lock goes with the connection.
  (void)database.run("SELECT RELEASE_LOCK(?)", {kLock});
  return done;
}

}  // namespace panshi::shop
