// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kPauseParams[] = {
    duration_param("most", "10m", "100ms", "1h",
                   "When the server ends the pause by itself, should nobody else do."),
};

constexpr const char* kNeedsEntry = "an entry `redis` of the service";

constexpr FaultKindSpec kKinds[] = {
    {.name = "redis.memory-full",
     .summary = "Makes a Redis server refuse whatever needs memory; no key is evicted.",
     .target_key = "service",
     .params = {},
     .needs = kNeedsEntry,
     .undo = "Puts maxmemory and its policy back to what they were.",
     .measured = "Reads both settings."},
    {.name = "redis.pause-clients",
     .summary = "Makes clients of a Redis server that write or run scripts wait.",
     .target_key = "service",
     .params = kPauseParams,
     .needs = kNeedsEntry,
     .undo = "Ends the pause; what waited is carried out.",
     .measured = "Tries a write that changes nothing, and sees whether it waits."},
    {.name = "redis.replication-break",
     .summary = "Cuts a Redis replica off from its primary; it falls behind.",
     .target_key = "service",
     .params = {},
     .needs = "an entry `redis` of the service, which follows a primary now",
     .undo = "Puts the replica's setting back; it follows again within seconds.",
     .measured = "Looks whether the replica's link is up."},
};

}  // namespace

std::span<const FaultKindSpec> redis_faults() { return kKinds; }

}  // namespace panshi
