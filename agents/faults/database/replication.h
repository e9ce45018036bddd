// SPDX-License-Identifier: Apache-2.0
// db.replication-stop, db.replication-delay: a replica that does not follow, or follows late.
//
// Both touch the server's default replication connection only, and put back what the undo record
// says it was: which of the two threads ran, and the delay.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_db_replication_stop(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_db_replication_delay(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
