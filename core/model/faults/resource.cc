// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kCpuParams[] = {
    integer_param("cores", "1", "1", "1024", "How many cores are loaded; at most the node's."),
    percent_param("percent", "80", "1", "100", "Of each of those cores."),
};
constexpr FaultParam kMemoryParams[] = {
    size_param("size", "256MiB", "1MiB", "1024GiB",
               "How much is taken; what would leave less than the node's reserve is refused."),
};
constexpr FaultParam kFillParams[] = {
    text_param("directory", nullptr, "A folder that the node's configuration allows.",
               &absolute_path),
    percent_param("percent", "95", "1", "99.9", "How full its file system is to be."),
};
constexpr FaultParam kLoadParams[] = {
    text_param("directory", nullptr, "A folder that the node's configuration allows.",
               &absolute_path),
    size_param("rate", "16MiB", "256KiB", "16GiB", "Written and forced to disk each second."),
    size_param("size", "64MiB", "1MiB", "16GiB", "Of the file that is written over and over."),
};
constexpr FaultParam kDescriptorParams[] = {
    integer_param("left", "0", "0", "1000000", "How many more each process may open."),
};
constexpr FaultParam kProcessParams[] = {
    integer_param("count", "500", "1", "20000", "How many idle processes are started."),
};

constexpr FaultKindSpec kKinds[] = {
    {.name = "resource.cpu",
     .summary = "Keeps cores busy for a share of their time.",
     .target_key = "node",
     .params = kCpuParams,
     .needs = "",
     .undo = "Ends the helper process.",
     .measured = "Processor time of the helper over the time it ran.",
     .shown_by = "effects"},
    {.name = "resource.descriptors",
     .summary = "Leaves the processes of a service few file descriptors to open.",
     .target_key = "service",
     .params = kDescriptorParams,
     .needs = "a service of the node; root, when it is another user's",
     .undo = "Puts every limit back as it was.",
     .measured = "Counts the descriptors that the leader may still open.",
     .shown_by = "effects",
     .holds = {.what = "descriptors"}},
    {.name = "resource.disk-fill",
     .summary = "Fills a file system up to a share.",
     .target_key = "node",
     .params = kFillParams,
     .through = "directories",
     .needs = "an allowed folder (`limits.directories`)",
     .undo = "Ends the helper process; its file, which has no name, goes with it.",
     .measured = "Asks the file system how full it is.",
     .shown_by = "effects",
     .holds = {.what = "disk"}},
    {.name = "resource.disk-load",
     .summary = "Writes to a disk without pause, each block forced out.",
     .target_key = "node",
     .params = kLoadParams,
     .through = "directories",
     .needs = "an allowed folder (`limits.directories`)",
     .undo = "Ends the helper process; its file, which has no name, goes with it.",
     .measured = "Bytes that the helper wrote over the time it ran.",
     .shown_by = "effects"},
    {.name = "resource.memory",
     .summary = "Takes memory and touches every page of it.",
     .target_key = "node",
     .params = kMemoryParams,
     .needs = "",
     .undo = "Ends the helper process.",
     .measured = "Resident memory of the helper.",
     .shown_by = "effects"},
    {.name = "resource.processes",
     .summary = "Starts idle processes, so that few process ids are left.",
     .target_key = "node",
     .params = kProcessParams,
     .needs = "",
     .undo = "Ends them all.",
     .measured = "Counts them.",
     .shown_by = "effects",
     .holds = {.what = "process ids"}},
};

}  // namespace

std::span<const FaultKindSpec> resource_faults() { return kKinds; }

}  // namespace panshi
