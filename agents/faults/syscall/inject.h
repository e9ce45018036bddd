// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_syscall_delay(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_syscall_error(const FaultRequest& request, Host& host);
std::string why_no_tracer(Host& host);  // FaultKind::why_not

}  // namespace panshi::agent
