// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_partition(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_loss(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_port_drop(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_port_reject(const FaultRequest& request, Host& host);
std::string why_no_packet_rules(Host& host);  // FaultKind::why_not

}  // namespace panshi::agent
