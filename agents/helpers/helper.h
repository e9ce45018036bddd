// SPDX-License-Identifier: Apache-2.0
// A helper: a process of its own that loads the node for one fault and ends with whoever holds its
// standard input.
//
//     panshi-agent helper SECONDS_MAX PROGRAM ARGUMENT…
//
// Written to standard output: "ready" once it does what it was asked, else what is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi::agent {

using HelperArguments = std::vector<std::string>;

// Never returns while the helper is wanted; what main() is to return.
int run_helper(const HelperArguments& arguments);
// `panshi-agent clock`: writes how far this process's clock is from the kernel's, in seconds, and
// how fast it goes, in percent. Returns what main() is to return.
int tell_clock();

// Each begins its work, on threads or in children, and returns once it is fully under way.
Status begin_cpu(const HelperArguments& arguments);       // CORES PERCENT
Status begin_memory(const HelperArguments& arguments);    // BYTES
Status begin_disk(const HelperArguments& arguments);      // FOLDER BYTES_PER_SECOND FILE_BYTES
Status begin_fill(const HelperArguments& arguments);      // FOLDER BYTES
Status begin_children(const HelperArguments& arguments);  // COUNT
Status begin_dns(const HelperArguments& arguments);       // PORT UPSTREAM HOW NAMES MARK
Status begin_trace(const HelperArguments& arguments);     // STRACE PID ARGUMENT…

}  // namespace panshi::agent
