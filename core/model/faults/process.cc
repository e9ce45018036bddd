// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kKillParams[] = {
    word_param("signal", "KILL", "ABRT|HUP|INT|KILL|TERM", "The signal that is sent."),
};

constexpr FaultParam kCrashLoopParams[] = {
    duration_param("after", "500ms", "0ms", "1h", "How long after it was started it is killed."),
    integer_param("times", "20", "1", "10000", "How often at most."),
};
constexpr FaultParam kExitCodeParams[] = {
    integer_param("code", "1", "0", "255", "The code that it ends with."),
};

constexpr const char* kSelectors = "process|cgroup|unit";
constexpr const char* kRunsAgain = "Has the service supervised to run again.";
constexpr const char* kRunAgain =
    "Has the service or unit run again, unless somebody stopped it on purpose since; who was "
    "chosen otherwise is not ours to start.";
constexpr const char* kCountsGone = "Counts the processes that are gone.";

constexpr FaultKindSpec kKinds[] = {
    {.name = "process.crash-loop",
     .summary = "Kills a service or processes, and again each time they have come up.",
     .target_key = "service",
     .also_on = kSelectors,
     .params = kCrashLoopParams,
     .needs = "systemd for a unit",
     .undo = kRunAgain,
     .measured = "Counts how often it was killed.",
     .shown_by = "kills",
     .holds = {.what = "crashes", .ends = FaultHold::Ends::kAlways}},
    {.name = "process.exit-code",
     .summary = "Stops a service and, whenever it is started, has it end at once with a code.",
     .target_key = "service",
     .params = kExitCodeParams,
     .needs = "a service of the node",
     .undo = "Has the service start as configured again.",
     .measured = "Counts the processes that are gone, and the starts that ended so.",
     .shown_by = "gone|starts",
     .holds = {.what = "start", .ends = FaultHold::Ends::kAlways}},
    {.name = "process.kill",
     .summary =
         "Sends a signal to every process of a service, a name, a control group or a unit, once.",
     .target_key = "service",
     .also_on = kSelectors,
     .params = kKillParams,
     .needs = "systemd for a unit",
     .undo = kRunAgain,
     .measured = kCountsGone,
     .shown_by = "gone",
     .holds = {.ends = FaultHold::Ends::kOnce}},
    {.name = "process.pause",
     .summary = "Freezes every process of a service, a name, a control group or a unit; their "
                "sockets stay open.",
     .target_key = "service",
     .also_on = kSelectors,
     .params = {},
     .needs = "systemd for a unit",
     .undo = "Lets every process go on.",
     .measured = "Counts the processes that are stopped.",
     .shown_by = "stopped",
     .holds = {.what = "stopping"}},
    {.name = "process.restart",
     .summary = "Stops a service or a unit as it is configured, and starts it again.",
     .target_key = "service",
     .also_on = "unit",
     .params = {},
     .needs = "systemd for a unit",
     .undo = kRunAgain,
     .measured = kCountsGone,
     .shown_by = "gone",
     .holds = {.ends = FaultHold::Ends::kOnce}},
};

}  // namespace

std::span<const FaultKindSpec> process_faults() { return kKinds; }

}  // namespace panshi
