// SPDX-License-Identifier: Apache-2.0
// db.lock-table: holds LOCK TABLES … WRITE on one table.
//
// The lock belongs to a session in Host::holdings(): the server lets go of it when this process
// ends, whatever ends it, so there is nothing to undo elsewhere.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_db_lock_table(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
