// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kInterface = text_param(
    "interface", nullptr, "A network interface of the node, such as eth0.", &interface_name);
constexpr FaultParam kPort = integer_param("port", nullptr, "1", "65535", "A port of this node.");
constexpr FaultParam kFrom =
    text_param("address", "", "Only from this address; empty: from all.", &address_or_nothing);

constexpr FaultParam kPartitionParams[] = {
    text_param("address", nullptr, "The other side: an IPv4 or IPv6 address.", &one_address),
    word_param("direction", "both", "both|in|out",
               "`in` or `out` alone make an asymmetric partition."),
};
constexpr FaultParam kLossParams[] = {
    text_param("address", nullptr, "The other side: an IPv4 or IPv6 address.", &one_address),
    word_param("direction", "both", "both|in|out", "Of the packets that come, go, or both."),
    percent_param("percent", "5", "0.1", "100", "Of the packets, by chance."),
};
constexpr FaultParam kDropParams[] = {
    kFrom, kPort, word_param("protocol", "tcp", "tcp|udp", "Whose port it is.")};
constexpr FaultParam kRejectParams[] = {kFrom, kPort};
constexpr FaultParam kRateParams[] = {
    kInterface,
    size_param("rate", "128KiB", "8KiB", "1GiB", "Bytes a second that the interface sends."),
};
constexpr FaultParam kDelayParams[] = {
    duration_param("delay", "100ms", "1ms", "10s", "How much later each packet is sent."),
    kInterface,
    duration_param("jitter", "0ms", "0ms", "10s", "How far it varies, either way."),
};
constexpr FaultParam kDamageParams[] = {
    kInterface,
    percent_param("percent", "5", "0.1", "100", "Of the packets that are sent."),
    word_param("what", "loss", "corrupt|duplicate|loss|reorder",
               "What happens to them; `reorder`: they overtake the others, which are 10 ms late."),
};

constexpr const char* kNft = "root, nft";
constexpr const char* kOwnTable = "Removes the fault's table; the kernel does so within seconds.";
constexpr const char* kOwnDiscipline = "Removes the discipline, if it is still ours.";

constexpr FaultKindSpec kKinds[] = {
    {.name = "network.damage",
     .summary = "Loses, duplicates, corrupts or reorders packets that an interface sends.",
     .target_key = "node",
     .params = kDamageParams,
     .needs = "root, tc, netem in the kernel",
     .undo = kOwnDiscipline,
     .measured = "Sends 1,000 small packets through the interface and looks how they leave.",
     .shown_by = "effects",
     .holds = {.what = "interface", .by = "interface"}},
    {.name = "network.delay",
     .summary = "Sends every packet of an interface later.",
     .target_key = "node",
     .params = kDelayParams,
     .needs = "root, tc, netem in the kernel",
     .undo = kOwnDiscipline,
     .measured = "Sends 100 small packets through the interface and looks when they leave.",
     .shown_by = "effects",
     .holds = {.what = "interface", .by = "interface"}},
    {.name = "network.loss",
     .summary =
         "Loses packets between this node and an address; needs no netem, and ends by itself.",
     .target_key = "node",
     .params = kLossParams,
     .needs = kNft,
     .undo = kOwnTable,
     .measured = "Counts the packets that came by and those that were dropped.",
     .shown_by = "packets",
     .holds = {.what = "loss", .by = "address"}},
    {.name = "network.partition",
     .summary = "Drops every packet between this node and an address, both ways or one.",
     .target_key = "node",
     .params = kPartitionParams,
     .needs = kNft,
     .undo = kOwnTable,
     .measured = "Counts the packets that were dropped.",
     .shown_by = "packets"},
    {.name = "network.port-drop",
     .summary = "Drops packets to a port of this node, so that callers wait in vain.",
     .target_key = "node",
     .params = kDropParams,
     .needs = kNft,
     .undo = kOwnTable,
     .measured = "Counts the packets that were dropped.",
     .shown_by = "packets",
     .holds = {.what = "port", .by = "port"}},
    {.name = "network.port-reject",
     .summary = "Answers packets to a TCP port of this node with a reset.",
     .target_key = "node",
     .params = kRejectParams,
     .needs = kNft,
     .undo = kOwnTable,
     .measured = "Counts the packets that were rejected.",
     .shown_by = "packets",
     .holds = {.what = "port", .by = "port"}},
    {.name = "network.rate",
     .summary = "Limits how much an interface sends a second.",
     .target_key = "node",
     .params = kRateParams,
     .needs = "root, tc",
     .undo = kOwnDiscipline,
     .measured = "Sends a train of packets through the interface and looks how fast it leaves.",
     .shown_by = "effects",
     .holds = {.what = "interface", .by = "interface"}},
};

}  // namespace

std::span<const FaultKindSpec> network_faults() { return kKinds; }

}  // namespace panshi
