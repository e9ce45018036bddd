// SPDX-License-Identifier: Apache-2.0
// The kinds http.*: one rule for the requests of a link that carries HTTP.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_http_body(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_http_delay(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_http_header(const FaultRequest& request, Host& host);
std::unique_ptr<Fault> make_http_status(const FaultRequest& request, Host& host);
std::string why_no_http_link(Host& host);

}  // namespace panshi::agent
