// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kSurgeParams[] = {
    integer_param("factor", "5", "2", "20", "How many times as many come."),
};

constexpr FaultKindSpec kKinds[] = {
    {.name = "load.surge",
     .summary = "Lets a load generator make a multiple of its load, as in a sale.",
     .target_key = "service",
     .params = kSurgeParams,
     .through = "load",
     .needs = "a load generator among the node's services (`load`)",
     .undo = "Ends the surge; a generator that leases none is told the rate that there was.",
     .measured = "Asks the generator for its rate and for how many came.",
     .shown_by = "effects",
     .holds = {.what = "rate"}},
};

}  // namespace

std::span<const FaultKindSpec> load_faults() { return kKinds; }

}  // namespace panshi
