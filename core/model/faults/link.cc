// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kDelayParams[] = {
    duration_param("delay", "500ms", "0ms", "1m",
                   "How long each chunk is held after it was read, in each direction."),
    word_param("direction", "both", "both|downstream|upstream",
               "Which way is slow: upstream is from client to upstream."),
    duration_param("jitter", "0ms", "0ms", "1m",
                   "Drawn evenly from delay - jitter to delay + jitter; at most the delay."),
};

constexpr FaultKindSpec kKinds[] = {
    {.name = "link.delay",
     .summary = "Delivers each chunk of a link a set time after it was read.",
     .target_key = "link",
     .params = kDelayParams,
     .needs = "a link of the node",
     .undo = "Removes the delay; what it held is delivered at once, in order.",
     .measured = "Times each chunk from read to delivered."},
    {.name = "link.down",
     .summary = "Closes what is established on a link and refuses new connections.",
     .target_key = "link",
     .params = {},
     .needs = "a link of the node",
     .undo = "Listens again.",
     .measured = "Counts the connections that are left."},
    {.name = "link.reset",
     .summary = "Resets what is established on a link, and each new connection.",
     .target_key = "link",
     .params = {},
     .needs = "a link of the node",
     .undo = "New connections live again.",
     .measured = "Counts the connections that are left."},
};

}  // namespace

std::span<const FaultKindSpec> link_faults() { return kKinds; }

}  // namespace panshi
