// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/disconnect.h"

#include <algorithm>
#include <thread>

#include "agents/faults/database/admin.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr int kSweepsMax = 100;
constexpr auto kBetweenSweeps = std::chrono::milliseconds(20);

constexpr const char* kIsProtected =
    "(User IN ('root','mysql','mariadb.sys','PUBLIC')"
    " OR User = SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"
    " OR (Repl_slave_priv = 'Y' AND Select_priv = 'N')"
    " OR User IN (SELECT p.USER FROM information_schema.PROCESSLIST p"
    " WHERE p.COMMAND LIKE 'Binlog Dump%'))";

constexpr const char* kLockable =
    " JOIN mysql.global_priv USING (User, Host)"
    " WHERE is_role = 'N' AND COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) = 0 AND NOT ";

std::string account_text(const nlohmann::json& account) {
  return cat(sql_text(account.value("user", std::string())), "@",
             sql_text(account.value("host", std::string())));
}

std::string is_account(const nlohmann::json& account) {
  return cat("User = ", sql_text(account.value("user", std::string())),
             " AND Host = ", sql_text(account.value("host", std::string())));
}

class DbDisconnect final : public DatabaseFault {
 public:
  enum class Established { kEnded, kKept };
  DbDisconnect(const FaultRequest& request, Host& host, Established established)
      : DatabaseFault(request, host), established_(established) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open());
    ASSIGN_OR_RETURN(const auto clients, session->run(cat("SELECT User, Host FROM mysql.user",
                                                          kLockable, kIsProtected)));
    nlohmann::json accounts = nlohmann::json::array();
    for (const auto& row : clients) {
      accounts.push_back({{"user", row.at(0).value_or("")}, {"host", row.at(1).value_or("")}});
    }
    ASSIGN_OR_RETURN(
        const auto kept,
        session->run(cat("SELECT DISTINCT User FROM mysql.user WHERE ", kIsProtected)));
    nlohmann::json users = nlohmann::json::array({"system user", "event_scheduler"});
    for (const auto& row : kept) users.push_back(row.at(0).value_or(""));
    return nlohmann::json{{"accounts", std::move(accounts)}, {"kept_users", std::move(users)}};
  }

  Status apply(const nlohmann::json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open());
    for (const auto& account : resolved.at("accounts")) {
      // First: what is locked is marked. A server that lets us not is one without marks.
      const auto marked =
          session->run(cat("UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '", kLockMark, "', ",
                           sql_text(request_.id), ") WHERE ", is_account(account)));
      if (!marked && session_lost(marked.error())) return fail(marked.error(), "mark an account");
      auto locked = session->run(cat("ALTER USER ", account_text(account), " ACCOUNT LOCK"));
      if (!locked) return fail(locked.error(), "lock an account");
    }
    if (established_ == Established::kKept) return {};
    return end_connections(*session, resolved);
  }

  Status revert(const nlohmann::json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open());
    for (const auto& account : resolved.at("accounts")) {
      auto unlocked = unlock_account(*session, account.value("user", std::string()),
                                     account.value("host", std::string()));
      if (!unlocked) return unlocked;
    }
    return {};
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    nlohmann::json measured{{"accounts_locked", resolved.at("accounts").size()}};
    const auto session = open();
    if (!session) return measured;
    if (const auto left = count_staying(**session, resolved)) measured["connections"] = *left;
    return measured;
  }

 private:
  // Ids of the connections of clients, those of accounts locked earlier included.
  Result<std::vector<std::string>> client_connections(SqlSession& session,
                                                      const nlohmann::json& resolved) const {
    std::string kept = "'unauthenticated user'";  // will be refused when it has said who it is
    for (const auto& user : resolved.at("kept_users")) {
      kept += cat(",", sql_text(user.get<std::string>()));
    }
    ASSIGN_OR_RETURN(const auto rows,
                     session.run(cat("SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> "
                                     "CONNECTION_ID() AND COMMAND NOT LIKE 'Binlog Dump%' AND "
                                     "COMMAND <> 'Daemon' AND USER NOT IN (",
                                     kept, ")")));
    std::vector<std::string> ids;
    for (const auto& row : rows) ids.push_back(row.at(0).value_or("0"));
    return ids;
  }

  // Who is just being refused is in the list for a moment: counted is who stays.
  Result<std::size_t> count_staying(SqlSession& session, const nlohmann::json& resolved) const {
    ASSIGN_OR_RETURN(const auto first, client_connections(session, resolved));
    if (first.empty()) return std::size_t{0};
    std::this_thread::sleep_for(kBetweenSweeps);
    ASSIGN_OR_RETURN(const auto second, client_connections(session, resolved));
    return static_cast<std::size_t>(
        std::count_if(first.begin(), first.end(), [&](const std::string& id) {
          return std::find(second.begin(), second.end(), id) != second.end();
        }));
  }

  // Until two sweeps in a row find none: one may be between login and the process list.
  Status end_connections(SqlSession& session, const nlohmann::json& resolved) const {
    int empty_sweeps = 0;
    for (int sweep = 0; sweep < kSweepsMax; ++sweep) {
      ASSIGN_OR_RETURN(const auto ids, client_connections(session, resolved));
      empty_sweeps = ids.empty() ? empty_sweeps + 1 : 0;
      if (empty_sweeps == 2) return {};
      for (const std::string& id : ids) {
        const auto killed = session.run(cat("KILL CONNECTION ", id));
        // The server's own "no" means that it ended by itself meanwhile; the next sweep tells.
        if (!killed && session_lost(killed.error()))
          return fail(killed.error(), "end a connection");
      }
      std::this_thread::sleep_for(kBetweenSweeps);
    }
    return fail(ErrorCode::kTimeout, cat("clients of `", service(), "` do not go away"));
  }

  const Established established_;
};

}  // namespace

Status unlock_account(SqlSession& session, const std::string& user, const std::string& host) {
  const nlohmann::json account{{"user", user}, {"host", host}};
  auto unlocked =
      session.run(cat("ALTER USER IF EXISTS ", account_text(account), " ACCOUNT UNLOCK"));
  if (!unlocked) return fail(unlocked.error(), "unlock an account");
  const auto unmarked = session.run(cat("UPDATE mysql.global_priv SET Priv = JSON_REMOVE(Priv, '",
                                        kLockMark, "') WHERE ", is_account(account)));
  if (!unmarked && session_lost(unmarked.error()))
    return fail(unmarked.error(), "unmark an account");
  return {};
}

std::unique_ptr<Fault> make_db_disconnect(const FaultRequest& request, Host& host) {
  return std::make_unique<DbDisconnect>(request, host, DbDisconnect::Established::kEnded);
}
std::unique_ptr<Fault> make_db_refuse_new(const FaultRequest& request, Host& host) {
  return std::make_unique<DbDisconnect>(request, host, DbDisconnect::Established::kKept);
}

}  // namespace panshi::agent
