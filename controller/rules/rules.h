// SPDX-License-Identifier: Apache-2.0
// Rules: thresholds over signals become symptoms, breaches and first good samples.
//
// A rule without data does nothing: it neither opens nor clears. It watches also while decisions
// are off (monitors on).
#pragma once

#include <string>

#include "controller/world/context.h"

namespace panshi::controller {

// After the sample was added to the memory. One that is not its node's own concerns only rules that
// name the node.
void note_sample(Context& context, const Samples::From& from, const AgentEvents::Sample& sample);

// Hold times that ran out without a new sample.
void advance_rules(Context& context);

}  // namespace panshi::controller
