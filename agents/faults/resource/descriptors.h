// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

// Lowers the soft limit of each process of a service to what it has open, and some more.
std::unique_ptr<Fault> make_descriptors(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
