// SPDX-License-Identifier: Apache-2.0
// process.restart and process.exit-code: a service started anew, as it is or to end at once.
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_process_restart(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_process_exit_code(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
