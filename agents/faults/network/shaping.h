// SPDX-License-Identifier: Apache-2.0
// Faults that a queueing discipline carries out, on what an interface sends.
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_rate(const FaultRequest& request, Host& host);    // tbf
std::unique_ptr<Fault> make_delay(const FaultRequest& request, Host& host);   // netem
std::unique_ptr<Fault> make_damage(const FaultRequest& request, Host& host);  // netem
std::string why_no_tbf(Host& host);                                           // FaultKind::why_not
std::string why_no_netem(Host& host);

}  // namespace panshi::agent
