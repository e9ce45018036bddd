// SPDX-License-Identifier: Apache-2.0
// db.metadata-lock: a forgotten transaction has read a table, a change of the table waits for it,
// and whoever comes later waits behind that change.
//
// What waits in place of the change is LOCK TABLES: it queues for the table's metadata lock as an
// ALTER does and changes nothing should it be let through. Three sessions wait in turns, each for a
// bounded time, so there is one in the queue always.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_db_metadata_lock(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
