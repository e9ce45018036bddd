// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kNames = text_param(
    "names", "", "With commas between; each with all that is under it. Empty: every name.",
    &dns_names);
constexpr FaultParam kUpstream = text_param(
    "upstream", "", "Address of the server that other names are asked of; empty: the node's own.",
    &address_or_nothing);

constexpr FaultParam kAnswerParams[] = {
    text_param("address", "192.0.2.1", "The IPv4 or IPv6 address that the names are given.",
               &one_address),
    kNames,
    kUpstream,
};
constexpr FaultParam kFailureParams[] = {
    word_param("how", "servfail", "nxdomain|refused|servfail|timeout",
               "What comes back; `timeout`: nothing."),
    kNames,
    kUpstream,
};

constexpr const char* kNeeds = "root, nft with redirection";
constexpr const char* kUndo =
    "Removes the fault's table (the kernel does so within seconds) and ends its resolver.";
constexpr const char* kMeasured = "Counts the queries that were redirected.";

constexpr FaultKindSpec kKinds[] = {
    {.name = "dns.answer",
     .summary = "Answers this node's queries for chosen names with a wrong address.",
     .target_key = "node",
     .params = kAnswerParams,
     .needs = kNeeds,
     .undo = kUndo,
     .measured = kMeasured,
     .shown_by = "queries",
     .holds = {.what = "resolver"}},
    {.name = "dns.failure",
     .summary = "Lets this node's queries for chosen names fail.",
     .target_key = "node",
     .params = kFailureParams,
     .needs = kNeeds,
     .undo = kUndo,
     .measured = kMeasured,
     .shown_by = "queries",
     .holds = {.what = "resolver"}},
};

}  // namespace

std::span<const FaultKindSpec> dns_faults() { return kKinds; }

}  // namespace panshi
