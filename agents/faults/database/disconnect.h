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

std::unique_ptr<Fault> make_db_disconnect(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_db_refuse_new(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
