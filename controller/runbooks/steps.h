// SPDX-License-Identifier: Apache-2.0
// Steps: one run, one step at a time.
#pragma once

#include <string>

#include "controller/world/context.h"

namespace panshi::controller {

// Starts, repeats, judges and ends steps until there is something to wait for.
void advance_run(Context& context, const std::string& run);

// A dry run: says what each step would do, and does nothing.
void rehearse(Context& context, const Runbook& runbook, const std::string& run);

}  // namespace panshi::controller
