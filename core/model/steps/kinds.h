// SPDX-License-Identifier: Apache-2.0
// The rows of step_kinds.cc, each in the file of its kind.
#pragma once

#include "core/model/steps/step_kind.h"

namespace panshi {

StepKind restart_step();
StepKind reroute_step();
StepKind mark_step();
StepKind script_step();
StepKind wait_for_step();
StepKind notify_step();

}  // namespace panshi
