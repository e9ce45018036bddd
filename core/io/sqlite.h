// SPDX-License-Identifier: Apache-2.0
// Database: one SQLite connection of one thread, with numbered migrations.
//
// Opened with WAL, foreign keys, a busy timeout and synchronous=FULL: a committed transaction
// survives a power cut. Statements are prepared once and cached. Text in double quotes is a name,
// never a string. Not for network file systems. The only user of SQLite.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/result.h"

namespace panshi {

using SqlValue = std::variant<std::nullptr_t, std::int64_t, double, std::string>;

class SqlRow {
 public:
  virtual ~SqlRow() = default;
  virtual std::int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string text(int column) const = 0;
  virtual bool is_null(int column) const = 0;
};

class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  // migrations[i] brings user_version i to i + 1, all in one transaction. kRefused when the
  // database is newer, or not SQLite's; for reading also when it is older, unless `migrations` is
  // empty. kNotFound when there is no file to read.
  static Result<Database> open(const std::filesystem::path& file, Mode mode,
                               std::span<const std::string_view> migrations);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  using EachRow = std::function<void(const SqlRow&)>;
  // One statement, with `?` for each value. kConflict on a violated constraint, else kInternal with
  // SQLite's words. `each` may run other statements; a row is good until it returns.
  Status run(std::string_view sql, std::initializer_list<SqlValue> values = {});
  Status query(std::string_view sql, std::initializer_list<SqlValue> values, const EachRow& each);
  std::int64_t last_insert_id() const;
  std::int64_t changes() const;
  // BEGIN IMMEDIATE … COMMIT; rolled back when `body` fails. Not within another.
  Status transaction(const std::function<Status()>& body);
  // A whole copy of this moment, while others go on. kConflict when `file` exists.
  Status backup_to(const std::filesystem::path& file);

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
