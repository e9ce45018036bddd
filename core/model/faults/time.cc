// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kSkewParams[] = {
    word_param("direction", "ahead", "ahead|behind", "Where its clock is of the right one."),
    duration_param("offset", "1h", "0ms", "24h", "How far, when the service starts."),
    percent_param("rate", "100", "10", "1000", "How fast its clock runs: above 100, too fast."),
};

constexpr FaultKindSpec kKinds[] = {
    {.name = "time.skew",
     .summary = "Starts a service anew with a wall clock that is wrong, or that drifts.",
     .target_key = "service",
     .params = kSkewParams,
     .needs = "libfaketime, a service of the node that is linked dynamically",
     .undo = "Ends the service and has it run with the right clock.",
     .measured =
         "Looks whether the service has the library; reads a clock in the same environment.",
     .shown_by = "loaded",
     .holds = {.what = "start", .ends = FaultHold::Ends::kAlways}},
};

}  // namespace

std::span<const FaultKindSpec> time_faults() { return kKinds; }

}  // namespace panshi
