// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/database/disconnect.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "db.disconnect",
     .make = &make_db_disconnect,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_database},
};

}  // namespace

std::span<const FaultMeans> database_means() { return kMeans; }

}  // namespace panshi::agent
