// SPDX-License-Identifier: Apache-2.0
// Turns the table of commands into options, --help and a call.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace panshi::cli {

// Runs what was asked for and returns the exit code; help and mistakes are printed.
int parse_and_run(const std::vector<Command>& commands, int argc, const char* const* argv);

}  // namespace panshi::cli
