// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/admin.h"
#include "agents/faults/database/disconnect.h"
#include "agents/faults/traces/rows.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kAccounts =
    "SELECT User, Host, COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) FROM mysql.global_priv "
    "ORDER BY 1, 2";
constexpr const char* kUnlogged = "SET SESSION sql_log_bin = 0";
constexpr const char* kLocksWait = "SET SESSION lock_wait_timeout = 4";
constexpr const char* kReadOnly = "SELECT @@GLOBAL.read_only";

std::string account(const SqlSession::Row& row) {
  return cat(sql_text(row.at(0).value_or("")), "@", sql_text(row.at(1).value_or("")));
}

struct Following {
  bool replica = false;
  bool fetches = false;
  bool applies = false;
  std::int64_t delay_s = 0;
  bool stands() const { return replica && (!fetches || !applies); }
};

Result<Following> following(SqlSession& session) {
  ASSIGN_OR_RETURN(auto rows, session.run_named("SHOW SLAVE STATUS"));
  if (rows.empty()) return Following{};
  auto& row = rows.front();
  return Following{.replica = true,
                   .fetches = row["Slave_IO_Running"] != "No",
                   .applies = row["Slave_SQL_Running"] != "No",
                   .delay_s = parse_integer(row["SQL_Delay"]).value_or(0)};
}

Status run_sql_on(const std::string& service, const std::vector<std::string>& statements,
                  Host& host) {
  ASSIGN_OR_RETURN(const auto session, host.open_sql(service));
  std::vector<std::string> all = {kUnlogged, kLocksWait};
  all.insert(all.end(), statements.begin(), statements.end());
  return run_all(*session, all);
}

Status unlock(const std::string& service, const std::string& user, const std::string& at,
              Host& host) {
  ASSIGN_OR_RETURN(const auto session, host.open_sql(service));
  if (auto ready = run_all(*session, {kUnlogged, kLocksWait}); !ready) return ready;
  return unlock_account(*session, user, at);
}

// Of each database of the node that answers.
template <class Look>
void for_each_sql(Host& host, Look look) {
  for (const std::string& service : host.sql_services()) {
    const auto session = host.open_sql(service);
    if (session) look(service, **session);
  }
}

}  // namespace

void find_locked_accounts(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for_each_sql(host, [&](const std::string& service, SqlSession& session) {
    const auto rows = session.run(kMarkedAccounts);
    if (!rows) return;
    for (const auto& row : *rows) {
      const std::string fault = row.at(2).value_or("");
      if (is_live(view, fault)) continue;
      const std::string user = row.at(0).value_or("");
      const std::string at = row.at(1).value_or("");
      found.push_back(
          {.what = cat("locked account ", account(row), " of service ", service),
           .why = cat("fault ", fault, " locked it and is not in force"),
           .clear_hint = cat("ALTER USER ", account(row), " ACCOUNT UNLOCK;"),
           .clear = [&host, service, user, at] { return unlock(service, user, at, host); }});
    }
  });
}

void find_read_only(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for_each_sql(host, [&](const std::string& service, SqlSession& session) {
    const auto now = one_number(session, kReadOnly);
    const auto replica = following(session);
    if (!now || !replica || *now == 0 || replica->replica) return;
    if (is_covered(view, "db.read-only", service)) return;
    found.push_back({.what = cat("read_only of service ", service),
                     .ours = false,
                     .why = "it follows no primary, and no fault in force has set it",
                     .clear_hint = "SET GLOBAL read_only = 0;"});
  });
}

void find_replication(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for_each_sql(host, [&](const std::string& service, SqlSession& session) {
    const auto now = following(session);
    if (!now || is_covered(view, "db.replication-stop db.replication-delay", service)) return;
    if (now->stands()) {
      found.push_back({.what = cat("stopped replication of service ", service),
                       .ours = false,
                       .why = "no fault in force has stopped it",
                       .clear_hint = "START SLAVE;"});
    }
    if (now->delay_s > 0) {
      found.push_back(
          {.what =
               cat("replication of service ", service, " is ", now->delay_s, " s late on purpose"),
           .ours = false,
           .why = "no fault in force has set that",
           .clear_hint = "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 0; START SLAVE;"});
    }
  });
}

// Those that carry the fault's mark. Where no mark can be made, a person has to say which.
Status clear_locked_accounts(const FaultRequest& request, Host& host, Done& done) {
  ASSIGN_OR_RETURN(const auto session, host.open_sql(request.target));
  ASSIGN_OR_RETURN(const auto rows, session->run(kMarkedAccounts));
  const std::size_t before = done.size();
  for (const auto& row : rows) {
    if (row.at(2).value_or("") != request.id) continue;
    auto unlocked = unlock(request.target, row.at(0).value_or(""), row.at(1).value_or(""), host);
    if (!unlocked) return unlocked;
    done.push_back(cat("account ", account(row), " of ", request.target, " unlocked"));
  }
  if (done.size() > before) return {};
  return fail(ErrorCode::kRefused, cat("no account of ", request.target,
                                       " carries the mark of this fault: look for locked ones, "
                                       "ALTER USER … ACCOUNT UNLOCK"));
}

// The fault is refused on a server that is read-only already, so it was not before.
Status clear_read_only(const FaultRequest& request, Host& host, Done& done) {
  if (auto set = run_sql_on(request.target, {"SET GLOBAL read_only = 0"}, host); !set) return set;
  done.push_back(cat("read_only of ", request.target, " is 0"));
  return {};
}

// The faults are refused on a replica that does not follow, so it did before.
Status clear_replication(const FaultRequest& request, Host& host, Done& done) {
  ASSIGN_OR_RETURN(const auto session, host.open_sql(request.target));
  ASSIGN_OR_RETURN(const Following now, following(*session));
  if (!now.replica) {
    done.push_back(cat(request.target, " follows nobody any more: it was promoted since"));
    return {};
  }
  std::vector<std::string> steps;
  if (request.params.contains("delay")) {
    steps = {"STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY = 0"};
  }
  steps.emplace_back("START SLAVE");
  if (auto started = run_sql_on(request.target, steps, host); !started) return started;
  done.push_back(cat(request.target, " follows its primary again"));
  return {};
}

StateLines sql_state(const std::string& service, Host& host) {
  ASSIGN_OR_RETURN(const auto session, host.open_sql(service));
  std::vector<std::string> lines;
  ASSIGN_OR_RETURN(const auto accounts, session->run(kAccounts));
  for (const auto& row : accounts) {
    lines.push_back(cat("account ", account(row), row.at(2).value_or("0") == "0" ? "" : " locked"));
  }
  ASSIGN_OR_RETURN(const auto read_only, one_number(*session, kReadOnly));
  lines.push_back(cat("read_only ", read_only));
  ASSIGN_OR_RETURN(const Following now, following(*session));
  if (now.replica) {
    lines.push_back(cat("replica", now.fetches ? " fetches" : "", now.applies ? " applies" : "",
                        ", delay ", now.delay_s, " s"));
  }
  return lines;
}

}  // namespace panshi::agent
