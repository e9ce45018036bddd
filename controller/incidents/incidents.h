// SPDX-License-Identifier: Apache-2.0
// Incidents: opened with a breach (rules.cc), closed when the service level is met and redundancy
// is back: every service ready and marked ok, no fault live.
#pragma once

#include "controller/world/context.h"

namespace panshi::controller {

void advance_incidents(Context& context);

}  // namespace panshi::controller
