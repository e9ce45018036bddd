// SPDX-License-Identifier: Apache-2.0
// What the admin account of a MariaDB service may do.
//
// Read from SHOW GRANTS. SELECT and LOCK TABLES count wherever they are granted, since the fault is
// told which table only later; "SELECT ON mysql.*" is granted there or on *.*, the others on *.*.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agents/faults/account.h"

namespace panshi::agent {

// Of `wanted`, what the lines of SHOW GRANTS do not have.
std::vector<std::string> missing_privileges(const std::vector<std::string>& grants,
                                            const std::vector<std::string>& wanted);

std::vector<std::string> privileges_in(std::string_view needs);

extern const AccountGroup kSqlAccounts;

}  // namespace panshi::agent
