// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

// One file of the right size, its blocks reserved, not written.
std::unique_ptr<Fault> make_disk_fill(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
