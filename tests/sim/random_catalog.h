// SPDX-License-Identifier: Apache-2.0
// A small shop with random rules, runbooks, scenarios and perhaps a drill day.
#pragma once

#include "core/base/random.h"
#include "core/model/catalog.h"

namespace panshi::sim {

// Histories start at this time (a Friday, 00:00 UTC); a drill day is due a minute later.
inline constexpr WallTime kStart{std::chrono::days(20'000)};

Catalog random_catalog(Random& random);

}  // namespace panshi::sim
