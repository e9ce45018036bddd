// SPDX-License-Identifier: Apache-2.0
// db.exhaust-connections: opens connections until the server has as many as it allows.
//
// They are in Host::holdings() and so end with this process. The slot that a server keeps for its
// administrators (one above max_connections) stays free. Connections that clients had stay too;
// the slot of one that leaves is not taken again.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_db_exhaust_connections(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
