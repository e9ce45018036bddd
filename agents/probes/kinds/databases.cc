// SPDX-License-Identifier: Apache-2.0
// sql and mariadb: what a database server says of itself.
#include <charconv>
#include <map>

#include "agents/probes/kinds/parts.h"
#include "core/base/text.h"
#include "core/io/mariadb.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using NamedRow = std::map<std::string, std::optional<std::string>>;

constexpr std::size_t kAnswerMax = 4 << 20;  // bytes; what a probe asks for has a few rows

std::function<Result<MariaDb>()> connector(const ProbeTarget& target, Duration timeout) {
  return [target, timeout]() -> Result<MariaDb> {
    ASSIGN_OR_RETURN(const std::string password, target.password.read());
    return MariaDb::connect({.host = target.host,
                             .port = target.port,
                             .user = target.user,
                             .password = password,
                             .database = target.database,
                             .connect_timeout = timeout,
                             .statement_timeout = timeout,
                             .answer_max = kAnswerMax,
                             .socket = target.socket,
                             .authority = target.authority,
                             .rules = target.rules});
  };
}

Result<std::vector<NamedRow>> named(MariaDb& database, std::string_view statement) {
  auto answer = database.run(statement);
  if (!answer) return fail(answer.error(), cat("`", std::string(statement), "`"));
  std::vector<NamedRow> rows;
  for (const MariaDb::Row& row : answer->rows) {
    NamedRow& out = rows.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) out[answer->columns.at(i)] = row[i];
  }
  return rows;
}

// "0-1-270,7-2-31" -> 301
double gtid_sum(const std::string& position) {
  double sum = 0;
  for (const std::string& item : split(position, ',')) {
    const std::size_t dash = item.rfind('-');
    std::uint64_t sequence = 0;
    if (dash == std::string::npos) continue;
    std::from_chars(item.data() + dash + 1, item.data() + item.size(), sequence);
    sum += static_cast<double>(sequence);
  }
  return sum;
}

void read_place(Fields& in, ProbeTarget& target) {
  in.may("socket", target.socket);
  if (target.socket.empty()) {
    read_server(in, target);
    in.may("authority", target.authority);
  }
  in.need("user", target.user);
  may_secret(in, "password", target.password);
  if (target.socket.empty()) {
    may_tell(in, target.host, !target.password.empty() && target.authority.empty(), target.rules);
  }
}

std::string unfit(const ProbeTarget& target, bool primary, bool replicating,
                  std::optional<double> lag_s) {
  if (target.role == "primary" && !primary) return "it is not a primary that takes writes";
  if (target.role == "replica" && !replicating) return "it does not replicate";
  if (target.lag_max == Duration{}) return "";
  if (!lag_s) return "it is not known how far it is behind";
  if (*lag_s * 1s <= target.lag_max) return "";
  return cat("it is ", *lag_s, " s behind, ", duration_text(target.lag_max), " are allowed");
}

Result<ProbeAnswer> look(const ProbeTarget& target, MariaDb& database) {
  ASSIGN_OR_RETURN(const auto server,
                   named(database, "SELECT @@read_only AS ro, @@gtid_current_pos AS gtid"));
  ASSIGN_OR_RETURN(const auto followed, named(database, "SHOW ALL SLAVES STATUS"));
  if (server.empty()) return fail(ErrorCode::kInternal, "the server answered no row");
  const bool read_only = server[0].at("ro") == "1";
  bool replicating = !followed.empty();
  std::optional<double> lag_s;
  for (const NamedRow& one : followed) {
    replicating =
        replicating && one.at("Slave_IO_Running") == "Yes" && one.at("Slave_SQL_Running") == "Yes";
    const auto& behind = one.at("Seconds_Behind_Master");
    if (behind) lag_s = std::max(lag_s.value_or(0), std::atof(behind->c_str()));
  }
  const bool primary = followed.empty() && !read_only;
  ProbeAnswer answer{unfit(target, primary, replicating, lag_s),
                     {{"primary", primary},
                      {"read_only", read_only},
                      {"replicating", replicating},
                      {"gtid", gtid_sum(server[0].at("gtid").value_or(""))}}};
  if (lag_s) answer.values.emplace_back("lag_s", *lag_s);
  return answer;
}

}  // namespace

void read_sql(Fields& in, ProbeTarget& target) {
  read_place(in, target);
  in.may("database", target.database);
  in.may("query", target.query);
}

ProbeAsk ask_sql(const ProbeTarget& target, Duration timeout) {
  return over_kept<MariaDb>(connector(target, timeout),
                            [query = target.query](MariaDb& database) -> Result<ProbeAnswer> {
                              if (auto answer = database.run(query); !answer)
                                return fail(answer.error(), "query");
                              return ProbeAnswer();
                            });
}

void read_mariadb(Fields& in, ProbeTarget& target) {
  read_place(in, target);
  read_role(in, target);
  in.may("lag_max", target.lag_max, {1s, 24h});
  if (target.role == "primary" && target.lag_max != Duration{}) {
    in.problem("lag_max", "a primary is behind nobody");
  }
}

ProbeAsk ask_mariadb(const ProbeTarget& target, Duration timeout) {
  return over_kept<MariaDb>(connector(target, timeout),
                            [target](MariaDb& database) { return look(target, database); });
}

}  // namespace panshi::agent
