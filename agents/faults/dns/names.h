// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_dns_answer(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_dns_failure(const FaultRequest& request, Host& host);
std::string why_no_redirect(Host& host);  // FaultKind::why_not

}  // namespace panshi::agent
