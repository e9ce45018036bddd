// SPDX-License-Identifier: Apache-2.0
// What `panshi` ends with; scripts rely on it.
#pragma once

#include "core/base/result.h"

namespace panshi::cli {

inline constexpr int kPass = 0;
inline constexpr int kFail = 1;
inline constexpr int kUnknown = 2;
inline constexpr int kAborted = 3;
inline constexpr int kUsage = 64;         // wrong options, wrong files, names that do not exist
inline constexpr int kUnreachable = 69;   // no controller
inline constexpr int kInterrupted = 130;  // left by Ctrl-C

int exit_code_of(const Error& error);

}  // namespace panshi::cli
