// SPDX-License-Identifier: Apache-2.0
// What an order may put into the environment of a script: the agent that runs it refuses the rest,
// so a runbook that has it is refused before. Pure.
#pragma once

#include <cstddef>
#include <string>

namespace panshi {

inline constexpr std::size_t kScriptVariablesMax = 64;         // of one script
inline constexpr std::size_t kScriptVariableBytesMax = 4'096;  // of a value

// Why the name may not be set, as a message behind it; "" when it may.
std::string why_not_variable(const std::string& name);

}  // namespace panshi
