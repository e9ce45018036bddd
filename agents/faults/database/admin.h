// SPDX-License-Identifier: Apache-2.0
// What the faults inside a database have in common: the admin session, and how names and texts are
// written into statements.
//
// The text protocol knows no parameters for names, so names from outside are looked up in
// information_schema first and quoted always.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::string sql_text(const std::string& text);  // 'it\'s'
std::string sql_name(const std::string& name);  // `orders`

// The session is of no use any more; what it was doing is unknown.
bool session_lost(const Error& error);

class DatabaseFault : public Fault {
 protected:
  DatabaseFault(FaultRequest request, Host& host) : request_(std::move(request)), host_(host) {}

  const std::string& service() const { return request_.target; }
  // Writes nothing into the binary log; waits for locks 4 s at most, less than a statement may
  // take, so that it is the server that gives up and not we.
  Result<std::unique_ptr<SqlSession>> open() const;
  // For a session that holds something for the fault: the server ends it, and so what it holds,
  // when it was idle for a step of the lease. Keep it up with an Upkeep that runs kStillHere.
  Result<std::unique_ptr<SqlSession>> open_held(Duration lease) const;
  static constexpr const char* kStillHere = "SELECT CONNECTION_ID()";

  const FaultRequest request_;
  Host& host_;
};

// Runs them in order, up to the first that fails.
Status run_all(SqlSession& session, const std::vector<std::string>& statements);
// The first column of the first row; "" when there is none or NULL.
Result<std::string> one_value(SqlSession& session, const std::string& query);
Result<std::int64_t> one_number(SqlSession& session, const std::string& query);

// {"database","table"} of "database.table": kInvalid when it is not written so, kNotFound when
// there is no such table, kRefused for the server's own tables.
Result<nlohmann::json> find_table(SqlSession& session, const std::string& name);
std::string table_name(const nlohmann::json& found);  // `database`.`table`

}  // namespace panshi::agent
