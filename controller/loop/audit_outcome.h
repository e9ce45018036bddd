// SPDX-License-Identifier: Apache-2.0
// AuditOutcome: what a drill believes of the program that audits its ledger. Pure.
//
// The contract is docs/reference/audit.md: exit 0 says that the program could judge; how it judged
// stands in its last line. After any other end nothing that it printed is believed.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace panshi::controller {

struct AuditOutcome {
  std::string verdict = "unknown";  // valid | invalid | unknown
  nlohmann::json audit;             // as printed, `why` completed; an object
};

// The end of what a program wrote, at most 1,000 bytes of it; not the line that is its document.
// `result`: of an action.
std::string said(const nlohmann::json& result);

// `action`: the agent's account of it, ended.
AuditOutcome read_audit(const nlohmann::json& action);

}  // namespace panshi::controller
