// SPDX-License-Identifier: Apache-2.0
#include "agents/host/mariadb_session.h"

namespace panshi::agent {
namespace {

class MariaDbSession final : public SqlSession {
 public:
  explicit MariaDbSession(MariaDb database) : database_(std::move(database)) {}

  Result<std::vector<Row>> run(std::string_view statement) override {
    ASSIGN_OR_RETURN(auto answer, database_.run(statement));
    return std::move(answer.rows);
  }

  Result<std::vector<NamedRow>> run_named(std::string_view statement) override {
    ASSIGN_OR_RETURN(const auto answer, database_.run(statement));
    std::vector<NamedRow> rows;
    for (const MariaDb::Row& row : answer.rows) {
      NamedRow& named = rows.emplace_back();
      for (std::size_t i = 0; i < row.size(); ++i) {
        named[answer.columns.at(i)] = row[i].value_or("");
      }
    }
    return rows;
  }

 private:
  MariaDb database_;
};

}  // namespace

std::unique_ptr<SqlSession> make_sql_session(MariaDb database) {
  return std::make_unique<MariaDbSession>(std::move(database));
}

}  // namespace panshi::agent
