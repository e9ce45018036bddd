// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kKillParams[] = {
    word_param("signal", "KILL", "ABRT|HUP|INT|KILL|TERM", "The signal that is sent."),
};

constexpr FaultKindSpec kKinds[] = {
    {.name = "process.kill",
     .summary = "Sends a signal to every process of a service, once.",
     .target_key = "service",
     .params = kKillParams,
     .needs = "a service of the node",
     .undo = "Has the service supervised to run again.",
     .measured = "Counts the processes that are gone."},
    {.name = "process.pause",
     .summary = "Freezes every process of a service without closing its sockets.",
     .target_key = "service",
     .params = {},
     .needs = "a service of the node",
     .undo = "Lets every process go on.",
     .measured = "Counts the processes that are stopped."},
};

}  // namespace

std::span<const FaultKindSpec> process_faults() { return kKinds; }

}  // namespace panshi
