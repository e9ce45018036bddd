// SPDX-License-Identifier: Apache-2.0
// process.kill: sends a signal to every process of a service.
//
// What a crash, the OOM killer or an operator's `kill` does. The undo is to have the service
// supervised to run again, also when it had given up.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_process_kill(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
