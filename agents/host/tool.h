// SPDX-License-Identifier: Apache-2.0
// A program of the system's, run to its end: nft, tc, systemctl.
#pragma once

#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/process.h"

namespace panshi::agent {

// What it wrote, in no language but C's. kTimeout: it was killed; kUnavailable: its first line.
// Blocks; not on the runner's own thread.
Result<std::string> run_tool(ProcessRunner& runner, std::vector<std::string> words,
                             Duration timeout);

}  // namespace panshi::agent
