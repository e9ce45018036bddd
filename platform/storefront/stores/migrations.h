// SPDX-License-Identifier: Apache-2.0
// Migrations: the numbered steps that make a database what the program wants, and the table
// shop.migrations in which each database notes those that it has had, with their checksums.
//
// Steps are carried out in order, by one process at a time (GET_LOCK); a second one waits and finds
// nothing to do. MariaDB cannot roll a change of a table back, so a step must be one that may be
// carried out again: it is noted after it was done, and a process that died in between repeats it.
// A step that was changed after a database had it is refused: make a new one. Tests read steps from
// anywhere; the shop's are in schema.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/mariadb.h"

namespace panshi::shop {

struct Migration {
  const char* name;
  const char* sql;  // one statement that may be repeated
};
struct AppliedMigration {
  std::int64_t version = 0;  // 1 is the first step
  std::string name;
  std::string checksum;
};

std::string checksum_of(const Migration& step);

// How many of `steps` a database has that noted `applied` (ordered by version). kRefused, with the
// step: it was changed, it is missing between others, or the database is newer than the program.
Result<std::size_t> count_applied(std::span<const Migration> steps,
                                  const std::vector<AppliedMigration>& applied);

// Waits up to `patience` for another process that does the same, then kUnavailable. Returns how
// many steps were carried out.
Result<std::size_t> migrate(MariaDb& database, std::span<const Migration> steps, WallTime now,
                            Duration patience);

}  // namespace panshi::shop
