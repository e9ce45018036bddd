// SPDX-License-Identifier: Apache-2.0
// load.surge: a load generator of this node makes a multiple of its load, as in a sale.
//
// By its control API: `GET /status` tells `rate` and `plan_step`, `POST /rate {"rate"}` changes it.
// The undo record has the rate there was. A generator that is not there makes no load, and a new
// one starts as configured: then there is nothing to mend.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_load_surge(const FaultRequest& request, Host& host);
std::string why_no_load(Host& host);  // FaultMeans::why_not

}  // namespace panshi::agent
