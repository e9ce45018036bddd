// SPDX-License-Identifier: Apache-2.0
// What a toxic did, as the effect of its fault: counted, and what was asked beside what was
// measured. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "agents/links/toxic.h"
#include "agents/links/toxic_account.h"

namespace panshi::agent {

nlohmann::json measured_toxic(const Toxic& toxic, const ToxicReport& report);

}  // namespace panshi::agent
