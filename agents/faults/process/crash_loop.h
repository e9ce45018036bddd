// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

// Kills the service now and again after each start, from a thread that ends with the fault.
std::unique_ptr<Fault> make_process_crash_loop(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
