// SPDX-License-Identifier: Apache-2.0
// db.disconnect: locks every client account of a MariaDB service and ends its connections.
// db.refuse-new: locks them, and leaves what is connected alone.
//
// Left alone: root, mysql and mariadb.sys, the agent's own account, and replication (accounts that
// may replicate but not read tables, and whoever fetches the binary log now). Nothing of it is
// replicated. The undo record lists the accounts before they are locked, so accounts that were
// locked already stay so.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

// The accounts that the fault locked carry its id in mysql.global_priv, so that they are told from
// those that somebody else locked also when the undo record is gone; not where the admin account
// may not write there.
inline constexpr const char* kLockMark = "$.panshi_fault";
// Accounts with such a mark: User, Host, the fault's id.
inline constexpr const char* kMarkedAccounts =
    "SELECT User, Host, JSON_VALUE(Priv, '$.panshi_fault') FROM mysql.global_priv "
    "WHERE JSON_VALUE(Priv, '$.panshi_fault') IS NOT NULL ORDER BY 1, 2";
// Unlocks the account and takes the mark away. `account`: a row of that.
Status unlock_account(SqlSession& session, const std::string& user, const std::string& host);

std::unique_ptr<Fault> make_db_disconnect(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_db_refuse_new(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
