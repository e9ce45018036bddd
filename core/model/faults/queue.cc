// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kLeaderParams[] = {
    text_param("stream", nullptr, "The JetStream stream."),
};
constexpr FaultParam kConsumerParams[] = {
    text_param("stream", nullptr, "The JetStream stream."),
    text_param("consumer", nullptr, "The durable consumer that the service takes messages by."),
};
constexpr FaultParam kFillParams[] = {
    text_param("stream", nullptr, "The JetStream stream."),
    text_param("subject", nullptr, "A subject of the stream that holds nothing and nobody takes."),
    size_param("size", "16MiB", "64KiB", "1GiB", "How much is stored; steps of 64KiB."),
};

// Servers of NATS do not say what an account may do, so nobody looks before it is tried.
#define WHOSE_ACCOUNT ", whose account may subscribe to `_INBOX.>` and publish to "

constexpr FaultKindSpec kKinds[] = {
    {.name = "queue.consumer-stall",
     .summary = "Freezes a service that consumes a JetStream stream; messages pile up.",
     .target_key = "service",
     .params = kConsumerParams,
     .through = "nats",
     .needs = "an entry `nats` of the service" WHOSE_ACCOUNT "`$JS.API.CONSUMER.INFO.>`",
     .undo = "Lets every process go on.",
     .measured = "Counts the processes that are stopped, and what waits for the consumer.",
     .shown_by = "stopped",
     .holds = {.what = "stopping"}},
    {.name = "queue.fill",
     .summary = "Stores messages that nobody takes in a JetStream stream.",
     .target_key = "service",
     .params = kFillParams,
     .through = "nats",
     .needs = "an entry `nats` of the service" WHOSE_ACCOUNT
              "the subject, `$JS.API.STREAM.INFO.>`, `$JS.API.CONSUMER.LIST.>` and "
              "`$JS.API.STREAM.PURGE.>`",
     .undo = "Purges the subject, which held nothing before.",
     .measured = "Counts the messages of the subject.",
     .shown_by = "effects",
     .holds = {.what = "messages"}},
    {.name = "queue.leader-stop",
     .summary = "Freezes the NATS server that leads a JetStream stream at that moment.",
     .target_key = "service",
     .params = kLeaderParams,
     .through = "nats.monitor",
     .needs = "an entry `nats` with `monitor` of the service, which leads the stream" WHOSE_ACCOUNT
              "`$JS.API.STREAM.INFO.>`",
     .undo = "Lets every process go on; the server follows whoever leads by then.",
     .measured = "Counts the processes that are stopped.",
     .shown_by = "stopped",
     .holds = {.what = "stopping"}},
};

}  // namespace

std::span<const FaultKindSpec> queue_faults() { return kKinds; }

}  // namespace panshi
