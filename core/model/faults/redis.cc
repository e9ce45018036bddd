// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kPauseParams[] = {
    duration_param("most", "10m", "100ms", "1h",
                   "When the server ends the pause by itself, should nobody else do."),
};

constexpr FaultParam kExpireParams[] = {
    text_param("prefix", nullptr, "What the names of the keys begin with."),
    percent_param("percent", "100", "0.1", "100", "Of those keys; rounded down."),
    integer_param("most", "1000", "1", "10000", "How many at most."),
    integer_param("seed", "1", "0", "1000000000", "Chooses among them."),
};
constexpr FaultParam kFailoverParams[] = {
    word_param("force", "no", "no|yes",
               "Without the primary's consent; what it alone has is lost."),
};
constexpr FaultParam kKillParams[] = {
    integer_param("count", "1", "1", "100", "How many, unless `percent` says it."),
    percent_param("percent", "0", "0", "100", "Of those that run; rounded down. 0: see `count`."),
    integer_param("seed", "1", "0", "1000000000", "Chooses among them."),
    word_param("quorum", "keep", "keep|lose",
               "keep: refused when no majority, or no copy of some slots, would be left."),
};

// The agent reads the commands from here and looks whether the account may run them.
#define NEEDS_ENTRY "an entry `redis` of the service"
#define MAY_RUN ", whose account may run "

constexpr FaultKindSpec kKinds[] = {
    {.name = "redis.expire-keys",
     .summary = "Expires many keys of a Redis primary at the same moment.",
     .target_key = "service",
     .params = kExpireParams,
     .through = "redis",
     .needs =
         NEEDS_ENTRY ", which is a primary now, whose account may write those keys, and may run "
                     "DUMP, EVAL, INFO, PEXPIRE, PEXPIRETIME, PTTL, RESTORE, SCAN",
     .undo = "Puts the keys back as they were, but for those that were written anew.",
     .measured = "Counts the keys that are not as they were.",
     .shown_by = "effects",
     .holds = {.what = "keys"}},
    {.name = "redis.failover",
     .summary = "Has a replica of a Redis Cluster take its primary's place.",
     .target_key = "service",
     .params = kFailoverParams,
     .through = "redis",
     .needs = NEEDS_ENTRY ", which is a replica of a cluster now" MAY_RUN
                          "CLUSTER FAILOVER, CLUSTER NODES",
     .undo = "Has the former primary take its place again, once it is a healthy replica.",
     .measured = "Looks whether the service is a primary.",
     .shown_by = "primary",
     .holds = {.what = "replication"}},
    {.name = "redis.kill",
     .summary = "Kills some of the node's members of a Redis Cluster.",
     .target_key = "node",
     .params = kKillParams,
     .through = "redis",
     .needs =
         "services with an entry `redis` that are members of a cluster now" MAY_RUN "CLUSTER NODES",
     .undo = "Has the services supervised to run again.",
     .measured = "Counts the members whose processes are all gone.",
     .shown_by = "effects",
     .holds = {.ends = FaultHold::Ends::kOnce}},
    {.name = "redis.memory-full",
     .summary = "Makes a Redis server refuse whatever needs memory; no key is evicted.",
     .target_key = "service",
     .params = {},
     .through = "redis",
     .needs = NEEDS_ENTRY MAY_RUN "CONFIG GET, CONFIG SET",
     .undo = "Puts maxmemory and its policy back to what they were.",
     .measured = "Reads both settings.",
     .shown_by = "full",
     .holds = {.what = "memory"}},
    {.name = "redis.pause-clients",
     .summary = "Makes clients of a Redis server that write or run scripts wait.",
     .target_key = "service",
     .params = kPauseParams,
     .through = "redis",
     .needs = NEEDS_ENTRY MAY_RUN "CLIENT PAUSE, CLIENT UNPAUSE, PING, PUBLISH to channel panshi",
     .undo = "Ends the pause; what waited is carried out.",
     .measured = "Tries a write that changes nothing, and sees whether it waits.",
     .shown_by = "paused",
     .holds = {.what = "clients"}},
    {.name = "redis.replication-break",
     .summary = "Cuts a Redis replica off from its primary; it falls behind.",
     .target_key = "service",
     .params = {},
     .through = "redis",
     .needs = NEEDS_ENTRY ", which follows a primary now" MAY_RUN
                          "CLIENT KILL, CONFIG GET, CONFIG SET, INFO",
     .undo = "Puts the replica's setting back; it follows again within seconds.",
     .measured = "Looks whether the replica's link is up.",
     .shown_by = "!linked",
     .holds = {.what = "replication"}},
};

}  // namespace

std::span<const FaultKindSpec> redis_faults() { return kKinds; }

}  // namespace panshi
