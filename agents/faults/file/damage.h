// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_file_flip(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_file_permission(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_file_truncate(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
