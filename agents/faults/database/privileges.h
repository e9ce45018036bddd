// SPDX-License-Identifier: Apache-2.0
// Whether the admin account of a MariaDB service may do what a kind does, before it is tried: a
// fault that fails halfway for a missing privilege may not even be undone without it.
//
// Read from SHOW GRANTS. SELECT and LOCK TABLES count wherever they are granted, since the fault is
// told which table only later; the others must be granted on *.*.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agents/faults/fault.h"

namespace panshi::agent {

// Of `wanted` ("PROCESS, SELECT"), what the lines of SHOW GRANTS do not have.
std::vector<std::string> missing_privileges(const std::vector<std::string>& grants,
                                            std::string_view wanted);

// "A, B" in "…with the privileges A, B".
std::string privileges_in(std::string_view needs);

// Why the account of `service` may not do what `kind` does; empty when it may, and when it cannot
// be asked now: then the fault itself says so.
std::string why_no_privileges(Host& host, const char* kind, const std::string& service);

// FaultMeans::why_not: no account, or none of the node's that may.
std::string why_no_account(Host& host, const char* kind);

// The fault, refused before anything is touched when the account may not do it.
std::unique_ptr<Fault> checked_for_privileges(const char* kind, const FaultRequest& request,
                                              Host& host, std::unique_ptr<Fault> fault);

}  // namespace panshi::agent
