// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/admin.h"

#include "agents/faults/upkeep.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kPrepare[] = {"SET SESSION sql_log_bin = 0", "SET SESSION sql_mode = ''",
                                    "SET SESSION lock_wait_timeout = 4",
                                    "SET SESSION wait_timeout = 604800"};

std::string quoted(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += c;  // doubled
    if (c == '\\' && quote == '\'') out += c;
    out += c;
  }
  return out + quote;
}

}  // namespace

std::string sql_text(const std::string& text) { return quoted(text, '\''); }
std::string sql_name(const std::string& name) { return quoted(name, '`'); }

bool session_lost(const Error& error) {
  return error.code == ErrorCode::kTimeout || error.code == ErrorCode::kUnavailable;
}

Result<std::unique_ptr<SqlSession>> DatabaseFault::open() const {
  auto session = host_.open_sql(service());
  // Not kNotFound: a service that left the configuration may still be broken.
  if (!session && session.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kInvalid, session.error().message);
  }
  if (!session) return session;
  for (const char* statement : kPrepare) {
    auto prepared = (*session)->run(statement);
    if (!prepared) return fail(prepared.error(), "prepare the admin session");
  }
  return session;
}

Result<std::unique_ptr<SqlSession>> DatabaseFault::open_held(Duration lease) const {
  ASSIGN_OR_RETURN(auto session, open());
  // Whole seconds, rounded up.
  const auto idle_s = Upkeep::step(lease) / std::chrono::seconds(1) + 1;
  auto bounded = session->run(cat("SET SESSION wait_timeout = ", idle_s));
  if (!bounded) return fail(bounded.error(), "bound the session");
  return session;
}

Status run_all(SqlSession& session, const std::vector<std::string>& statements) {
  for (const std::string& statement : statements) {
    if (auto done = session.run(statement); !done) return fail(done.error(), statement);
  }
  return {};
}

Result<std::string> one_value(SqlSession& session, const std::string& query) {
  ASSIGN_OR_RETURN(const auto rows, session.run(query));
  if (rows.empty() || rows[0].empty()) return std::string();
  return rows[0][0].value_or("");
}

Result<std::int64_t> one_number(SqlSession& session, const std::string& query) {
  ASSIGN_OR_RETURN(const std::string value, one_value(session, query));
  return parse_integer(value);
}

Result<nlohmann::json> find_table(SqlSession& session, const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == name.size()) {
    return fail(ErrorCode::kInvalid,
                cat("params.table is `", name, "`, must be written database.table"));
  }
  const std::string database = name.substr(0, dot);
  const std::string table = name.substr(dot + 1);
  for (const char* own : {"mysql", "information_schema", "performance_schema", "sys"}) {
    if (database == own) {
      return fail(ErrorCode::kRefused, cat("`", name, "` is the server's own table"));
    }
  }
  ASSIGN_OR_RETURN(
      const auto rows,
      session.run(cat("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ",
                      sql_text(database), " AND TABLE_TYPE = 'BASE TABLE'")));
  std::vector<std::string> known;
  for (const auto& row : rows) known.push_back(row.at(0).value_or(""));
  for (const std::string& each : known) {
    if (each == table) return nlohmann::json{{"database", database}, {"table", table}};
  }
  return fail(ErrorCode::kNotFound, cat("no table `", name, "`", did_you_mean(table, known)));
}

std::string table_name(const nlohmann::json& found) {
  return cat(sql_name(found.at("database").get<std::string>()), ".",
             sql_name(found.at("table").get<std::string>()));
}

}  // namespace panshi::agent
