// SPDX-License-Identifier: Apache-2.0
// Packet rules that another tool for breaking networks may have left: those that lose packets by
// chance, and those that cut off a single address or port in a chain of the system's own. A
// firewall's usual rules are in chains of its own, or let through what they name. Pure.
#pragma once

#include <string>
#include <vector>

namespace panshi::agent {

struct ForeignRule {
  std::string rule;
  std::string why;         // it looks like a leftover
  std::string clear_hint;  // a command
};

// `program`: iptables or ip6tables, for the hint; `save_output`: of PROGRAM-save.
std::vector<ForeignRule> suspects_of_iptables(const std::string& program,
                                              const std::string& save_output);
// Of `nft --stateless list ruleset`, but for our own tables and those that iptables keeps there.
std::vector<ForeignRule> suspects_of_nft(const std::string& ruleset);

}  // namespace panshi::agent
