// SPDX-License-Identifier: Apache-2.0
// What a trial breaks: every kind of fault that can be told from a healthy machine afterwards, with
// the parameters that it must be given.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace panshi::trials {

struct TrialKind {
  std::string name;
  nlohmann::json target;  // as a person orders it: {"service": …}, {"node": …}, …
  nlohmann::json params;
};

// On the machine alone. `folder`: of the agent; `data` in it may be broken.
std::vector<TrialKind> machine_kinds(const std::string& folder);
// At MatrixServers.
std::vector<TrialKind> server_kinds();

}  // namespace panshi::trials
