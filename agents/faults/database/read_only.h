// SPDX-License-Identifier: Apache-2.0
// db.read-only: the server refuses every change of its clients, as a primary does that was demoted.
//
// Accounts with SUPER or READ_ONLY ADMIN still write: that is how the server means it. The value
// it had is in the undo record.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_db_read_only(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
