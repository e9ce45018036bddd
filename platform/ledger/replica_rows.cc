// SPDX-License-Identifier: Apache-2.0
// compare_replica: the rows of a replica against those of its primary, all columns of them.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "core/base/text.h"
#include "platform/ledger/database_rows.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kReplicaPageRows = 10'000;

struct Table {
  const char* name;
  const char* key;  // unique
  const char* id;   // what a person calls the row
};
constexpr std::array<Table, 3> kTables = {
    {{"orders", "order_id", "order_id"},
     {"card_keys", "card_key", "COALESCE(order_id, card_key)"},
     {"products", "product", "product"}}};

struct Row {
  std::string id;
  std::string sum;
};
using Rows = std::unordered_map<std::string, Row>;

// Every column there is, so that a new one is compared as well.
Result<std::string> sum_of(MariaDb& primary, const Table& table) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   primary.run("SELECT COLUMN_NAME FROM information_schema.COLUMNS"
                               " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?"
                               " ORDER BY ORDINAL_POSITION",
                               {std::string(table.name)}));
  std::vector<std::string> columns;
  for (const MariaDb::Row& row : answer.rows) {
    columns.push_back(cat("COALESCE(QUOTE(", row.at(0).value_or(""), "), 'NULL')"));
  }
  if (columns.empty()) return fail(ErrorCode::kNotFound, cat("there is no table ", table.name));
  return cat("CRC32(CONCAT_WS(',', ", join(columns, ", "), "))");
}

Result<std::string> digest(MariaDb& database, const Table& table, const std::string& sum) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   database.run(cat("SELECT CONCAT(COUNT(*), ':', COALESCE(BIT_XOR(", sum,
                                    "), 0), ':', COALESCE(SUM(", sum, "), 0)) FROM ", table.name)));
  return answer.rows.at(0).at(0).value_or("");
}

Result<Rows> rows_of(MariaDb& database, const Table& table, const std::string& sum) {
  Rows rows;
  std::string after;
  const std::string sql = cat("SELECT ", table.key, ", ", table.id, ", ", sum, " FROM ", table.name,
                              " WHERE ", table.key, " > ? ORDER BY ", table.key, " LIMIT ?");
  while (true) {
    ASSIGN_OR_RETURN(const MariaDb::Answer page, database.run(sql, {after, kReplicaPageRows}));
    for (const MariaDb::Row& row : page.rows) {
      after = row.at(0).value_or("");
      rows[after] = {row.at(1).value_or(""), row.at(2).value_or("")};
    }
    if (page.rows.size() < static_cast<std::size_t>(kReplicaPageRows)) return rows;
  }
}

const Row* find(const Rows& rows, const std::string& key) {
  const auto found = rows.find(key);
  return found == rows.end() ? nullptr : &found->second;
}

bool is_same(const Row* one, const Row* other) {
  return one == nullptr ? other == nullptr : other != nullptr && one->sum == other->sum;
}

// A row that is neither as the primary had it before nor as it has it now.
void add_differences(const Table& table, const Rows& before, const Rows& copy, const Rows& after,
                     std::vector<ReplicaDifference>& differences) {
  std::set<std::string> keys;
  for (const Rows* rows : {&before, &copy}) {
    for (const auto& [key, row] : *rows) keys.insert(key);
  }
  for (const std::string& key : keys) {
    const Row* here = find(copy, key);
    if (is_same(here, find(before, key)) || is_same(here, find(after, key))) continue;
    const Row* there = find(before, key);
    differences.push_back({.replica = "",
                           .id = there ? there->id : here->id,
                           .what = cat("its row of ", table.name,
                                       !here    ? " is missing"
                                       : !there ? " should not be there"
                                                : " is another")});
  }
}

Status catch_up(MariaDb& primary, MariaDb& replica, Duration patience) {
  ASSIGN_OR_RETURN(const MariaDb::Answer position, primary.run("SELECT @@GLOBAL.gtid_current_pos"));
  const auto seconds = std::chrono::duration<double>(patience).count();
  ASSIGN_OR_RETURN(const MariaDb::Answer waited,
                   replica.run("SELECT MASTER_GTID_WAIT(?, ?)",
                               {position.rows.at(0).at(0).value_or(""), seconds}));
  if (waited.rows.at(0).at(0) == std::optional<std::string>("0")) return {};
  return fail(ErrorCode::kTimeout, "has not caught up with its primary");
}

}  // namespace

Result<std::vector<ReplicaDifference>> compare_replica(MariaDb& primary, MariaDb& replica,
                                                       Duration patience) {
  std::vector<ReplicaDifference> differences;
  if (auto caught_up = catch_up(primary, replica, patience); !caught_up) {
    return tl::unexpected(caught_up.error());
  }
  for (const Table& table : kTables) {
    ASSIGN_OR_RETURN(const std::string sum, sum_of(primary, table));
    ASSIGN_OR_RETURN(const std::string digest_here, digest(replica, table, sum));
    ASSIGN_OR_RETURN(const std::string digest_there, digest(primary, table, sum));
    if (digest_here == digest_there) continue;
    ASSIGN_OR_RETURN(const Rows before, rows_of(primary, table, sum));
    ASSIGN_OR_RETURN(const Rows copy, rows_of(replica, table, sum));
    ASSIGN_OR_RETURN(const Rows after, rows_of(primary, table, sum));
    add_differences(table, before, copy, after, differences);
  }
  return differences;
}

}  // namespace panshi::shop
