// SPDX-License-Identifier: Apache-2.0
// Which commands the account of an entry `redis` may run.
//
// Asked by ACL WHOAMI and ACL DRYRUN, which Redis has since 7 and may refuse the account: then
// nothing is known. Keys are not asked about, since the fault is told only later which.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agents/faults/account.h"

namespace panshi::agent {

// "CONFIG GET", "PUBLISH to channel panshi" in "…may run CONFIG GET, PUBLISH to channel panshi".
std::vector<std::string> commands_in(std::string_view needs);

// Of such commands, those that `account` may not run, as "CONFIG GET", and "channel panshi" when
// it may run PUBLISH, but not there.
std::vector<std::string> missing_commands(RedisSession& session, const std::string& account,
                                          const std::vector<std::string>& wanted);

// "+config|get" of "CONFIG GET", "&panshi" of "channel panshi": as ACL SETUSER takes it.
std::string acl_rule(const std::string& missing);

extern const AccountGroup kRedisAccounts;

}  // namespace panshi::agent
