// SPDX-License-Identifier: Apache-2.0
#include "core/io/sqlite.h"

#include <sqlite3.h>

#include <array>
#include <map>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi {
namespace {

constexpr int kBusyTimeoutMs = 5'000;
constexpr std::size_t kStatementsMax = 128;  // cached ones
// synchronous, foreign_keys and busy_timeout are of the connection, not of the file.
constexpr const char* kSettings =
    "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
    "PRAGMA journal_size_limit=67108864;";

struct CloseConnection {
  void operator()(sqlite3* connection) const { CHECK_BUG(sqlite3_close(connection) == SQLITE_OK); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

tl::unexpected<Error> failed(sqlite3* connection, std::string_view doing) {
  const int code = sqlite3_errcode(connection) & 0xff;
  ErrorCode kind = ErrorCode::kInternal;
  if (code == SQLITE_CONSTRAINT) kind = ErrorCode::kConflict;
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) kind = ErrorCode::kRefused;
  return fail(kind, cat(doing.substr(0, 200), ": ", sqlite3_errmsg(connection)));
}

Status execute(sqlite3* connection, const std::string& script, std::string_view doing) {
  if (sqlite3_exec(connection, script.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failed(connection, doing);
}

class Row final : public SqlRow {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_, column);
  }
  double real(int column) const override { return sqlite3_column_double(statement_, column); }
  std::string text(int column) const override {
    const void* const bytes = sqlite3_column_text(statement_, column);  // before the size
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
  }
  bool is_null(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }

 private:
  sqlite3_stmt* const statement_;
};

// The values outlive the statement's use: no copy is made.
struct Bind {
  sqlite3_stmt* statement;
  int place;

  int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, place); }
  int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, place, value); }
  int operator()(double value) const { return sqlite3_bind_double(statement, place, value); }
  int operator()(const std::string& value) const {
    return sqlite3_bind_text64(statement, place, value.data(), value.size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  }
};

}  // namespace

struct Database::Impl {
  Connection connection;
  std::map<std::string, Statement, std::less<>> statements;  // goes before the connection

  Result<Statement> take(std::string_view sql);
  void give_back(std::string_view sql, Statement statement);
  Status set_up(Mode mode, const std::filesystem::path& file);
  Result<std::int64_t> version();
  Status migrate(Mode mode, std::span<const std::string_view> migrations);
};

// Taken out of the cache while in use, so a statement may run within its own rows.
Result<Statement> Database::Impl::take(std::string_view sql) {
  if (const auto found = statements.find(sql); found != statements.end()) {
    return std::move(statements.extract(found).mapped());
  }
  sqlite3_stmt* made = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(connection.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &made, &tail);
  Statement statement(made);
  if (code != SQLITE_OK) return failed(connection.get(), sql);
  const std::string_view rest(tail, static_cast<std::size_t>(sql.data() + sql.size() - tail));
  if (made == nullptr || rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return fail(ErrorCode::kInternal, cat(sql.substr(0, 200), ": wants to be one statement"));
  }
  return statement;
}

void Database::Impl::give_back(std::string_view sql, Statement statement) {
  sqlite3_reset(statement.get());
  sqlite3_clear_bindings(statement.get());
  if (statements.size() >= kStatementsMax) statements.clear();
  statements.insert_or_assign(std::string(sql), std::move(statement));
}

Status Database::Impl::set_up(Mode mode, const std::filesystem::path& file) {
  const int access =
      mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* made = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &made, access | SQLITE_OPEN_NOMUTEX, nullptr);
  connection.reset(made);
  CHECK_BUG(made != nullptr);
  if (code != SQLITE_OK) return failed(made, "open");
  sqlite3_extended_result_codes(made, 1);
  sqlite3_busy_timeout(made, kBusyTimeoutMs);
  sqlite3_db_config(made, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(made, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(made, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  if (auto set = execute(made, kSettings, "set up"); !set) return set;
  if (mode == Mode::kReadOnly) return {};
  return execute(made, "PRAGMA journal_mode=WAL", "set up");
}

Result<std::int64_t> Database::Impl::version() {
  ASSIGN_OR_RETURN(const Statement statement, take("PRAGMA user_version"));
  if (sqlite3_step(statement.get()) != SQLITE_ROW) return failed(connection.get(), "read version");
  return sqlite3_column_int64(statement.get(), 0);
}

Status Database::Impl::migrate(Mode mode, std::span<const std::string_view> migrations) {
  const auto wanted = static_cast<std::int64_t>(migrations.size());
  ASSIGN_OR_RETURN(const std::int64_t found, version());
  if (mode == Mode::kReadOnly && wanted == 0) return {};
  if (found > wanted || (mode == Mode::kReadOnly && found < wanted)) {
    return fail(ErrorCode::kRefused,
                cat("it has version ", found, ", this program knows ", wanted));
  }
  for (auto next = static_cast<std::size_t>(found); next < migrations.size(); ++next) {
    const std::string script = cat(migrations[next], ";PRAGMA user_version=", next + 1);
    if (auto done = execute(connection.get(), script, cat("migration ", next + 1)); !done) {
      return done;
    }
  }
  return {};
}

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& file, Mode mode,
                                std::span<const std::string_view> migrations) {
  std::error_code ignored;
  if (mode == Mode::kReadOnly && !std::filesystem::exists(file, ignored)) {
    return fail(ErrorCode::kNotFound, cat("no database ", file.string()));
  }
  Database database(std::make_unique<Impl>());
  Impl& impl = *database.impl_;
  Status ready = impl.set_up(mode, file);
  if (ready && mode == Mode::kReadOnly) {
    ready = impl.migrate(mode, migrations);
  } else if (ready) {
    // Its lock keeps a second opener from the same migrations.
    ready = database.transaction([&] { return impl.migrate(mode, migrations); });
  }
  if (!ready) return fail(std::move(ready).error(), cat("database ", file.string()));
  return database;
}

Status Database::run(std::string_view sql, std::initializer_list<SqlValue> values) {
  return query(sql, values, [](const SqlRow&) {});
}

Status Database::query(std::string_view sql, std::initializer_list<SqlValue> values,
                       const EachRow& each) {
  ASSIGN_OR_RETURN(Statement statement, impl_->take(sql));
  const int wanted = sqlite3_bind_parameter_count(statement.get());
  if (static_cast<std::size_t>(wanted) != values.size()) {
    return fail(ErrorCode::kInternal,
                cat(sql.substr(0, 200), ": wants ", wanted, " values, got ", values.size()));
  }
  int place = 0;
  for (const SqlValue& value : values) {
    if (std::visit(Bind{statement.get(), ++place}, value) != SQLITE_OK) {
      return failed(impl_->connection.get(), sql);
    }
  }
  const Row row(statement.get());
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) each(row);
  if (code != SQLITE_DONE) return failed(impl_->connection.get(), sql);
  impl_->give_back(sql, std::move(statement));
  return {};
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(impl_->connection.get());
}

std::int64_t Database::changes() const { return sqlite3_changes64(impl_->connection.get()); }

Status Database::transaction(const std::function<Status()>& body) {
  sqlite3* const connection = impl_->connection.get();
  CHECK_BUG(sqlite3_get_autocommit(connection) != 0);  // not within another
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  struct Rollback {  // also when `body` throws, or the commit fails
    sqlite3* connection;
    ~Rollback() {
      if (sqlite3_get_autocommit(connection) == 0) {
        sqlite3_exec(connection, "ROLLBACK", nullptr, nullptr, nullptr);
      }
    }
  };
  const Rollback rollback{connection};
  if (auto done = body(); !done) return done;
  return run("COMMIT");
}

Status Database::backup_to(const std::filesystem::path& file) {
  if (std::filesystem::exists(file)) {
    return fail(ErrorCode::kConflict, cat("back up to ", file.string(), ": the file exists"));
  }
  return run("VACUUM INTO ?", {file.string()});
}

}  // namespace panshi
