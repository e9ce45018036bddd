// SPDX-License-Identifier: Apache-2.0
// What `panshi` ends with; scripts rely on it (docs/reference/cli.md). From 64 on they are those of
// sysexits.h, and say that nothing was judged: only a verdict or a check that was made ends with 1.
#pragma once

#include "core/base/result.h"

namespace panshi::cli {

inline constexpr int kPass = 0;
inline constexpr int kFail = 1;
inline constexpr int kUnknown = 2;
inline constexpr int kAborted = 3;
inline constexpr int kUsage = 64;        // wrong options, wrong files, names that do not exist
inline constexpr int kUnreachable = 69;  // no controller, or not the agent that would have to act
inline constexpr int kRefused = 75;     // not now: halted, in doubt, an incident, something else on
inline constexpr int kNotAllowed = 77;  // no token, one that cannot be read or is not accepted
inline constexpr int kInterrupted = 130;  // left by Ctrl-C

// The lines of every --help.
inline constexpr const char* kExitCodesText =
    "Exit codes: 0 pass or done, 1 fail, 2 unknown, 3 aborted, 64 usage or wrong file,\n"
    "69 controller or agent not reachable, 75 refused for now (try again later), 77 not allowed "
    "(token),\n"
    "130 left by Ctrl-C.";

int exit_code_of(const Error& error);

}  // namespace panshi::cli
