// SPDX-License-Identifier: Apache-2.0
// Runbooks: decides whether a breach starts one, and leads each run through its steps.
//
// Promises: no two active runs act on one target; cooldown and run limits count runs of the
// journal, so they hold over a restart; a step whose outcome is unknown is repeated only if it is
// idempotent; every refusal is an event that says why (once, not at every look).
#pragma once

#include <optional>
#include <string>

#include "controller/world/context.h"

namespace panshi::controller {

struct RunOrder {
  std::string breach;  // id; empty when a person asks
  bool dry_run = false;
};

// Why this runbook may not run now; empty when it may. A person's order is not held back by doubt.
std::string why_not_run(const Context& context, const Runbook& runbook, const RunOrder& order);

// REQUIRES: why_not_run is empty, or a dry run. Returns the run's id.
std::string start_run(Context& context, const Runbook& runbook, const RunOrder& order);

void advance_runbooks(Context& context);

}  // namespace panshi::controller
