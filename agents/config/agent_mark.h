// SPDX-License-Identifier: Apache-2.0
// The mark of an agent in whatever its faults leave where other agents may have theirs too (tables
// and disciplines of the kernel, files in shared folders). Pure.
#pragma once

#include <string>

#include "agents/config/fault_scope.h"
#include "core/base/ids.h"

namespace panshi::agent {

// 16 hex digits of node and state folder, so that no name with it is the beginning of another's.
inline constexpr std::size_t kAgentMarkSize = 16;
inline std::string agent_mark(const FaultScope& scope) {
  return hex16(fnv1a(scope.node + '\n' + scope.state.string()));
}

}  // namespace panshi::agent
