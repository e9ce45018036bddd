// SPDX-License-Identifier: Apache-2.0
// Faults that a helper process carries out: it runs as long as they are in force.
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_cpu_load(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_memory_load(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_disk_load(const FaultRequest& request, Host& host);
// A file of the right size without a name, its blocks reserved, not written.
std::unique_ptr<Fault> make_disk_fill(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_process_load(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
