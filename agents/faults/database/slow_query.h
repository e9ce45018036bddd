// SPDX-License-Identifier: Apache-2.0
// db.slow-query: sessions that keep the server computing, as a query without an index would.
//
// Each query reads no table and is ended by the server itself after a second: that is how long one
// may outlive the agent, and how long a revert takes at most.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_db_slow_query(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
