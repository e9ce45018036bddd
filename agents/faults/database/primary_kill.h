// SPDX-License-Identifier: Apache-2.0
// db.primary-kill: SIGKILL to a MariaDB service that is a primary at that moment.
//
// A primary follows nobody and takes writes. Any other is refused, with what it is: after a
// failover the drill would break a server that nobody writes to, and prove nothing.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_db_primary_kill(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
