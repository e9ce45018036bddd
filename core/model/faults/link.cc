// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kDirection =
    word_param("direction", "both", "both|downstream|upstream",
               "Which way is touched: upstream is from client to upstream.");
constexpr FaultParam kShare =
    percent_param("share", "100", "0", "100",
                  "Share of the connections that it touches, drawn for each and direction.");

constexpr FaultParam kBandwidthParams[] = {
    size_param("rate", "1MiB", "1", "10GiB", "Bytes a second that pass, of each connection."),
    kDirection,
    kShare,
};
constexpr FaultParam kBlackHoleParams[] = {
    kDirection,
    kShare,
    duration_param("timeout", "0ms", "0ms", "1h",
                   "Closes a connection on which nothing came for so long; 0ms: never."),
};
constexpr FaultParam kDelayParams[] = {
    duration_param("delay", "500ms", "0ms", "1m",
                   "How long each chunk is held after it was read, in each direction."),
    word_param("direction", "both", "both|downstream|upstream",
               "Which way is slow: upstream is from client to upstream."),
    duration_param("jitter", "0ms", "0ms", "1m",
                   "Drawn evenly from delay - jitter to delay + jitter; at most the delay."),
};
constexpr FaultParam kLimitParams[] = {
    size_param("bytes", "64KiB", "0", "10GiB", "What passes, of each connection and direction."),
    kDirection,
    kShare,
};
constexpr FaultParam kRefuseParams[] = {
    percent_param("share", "50", "0", "100", "Share of the new connections that is refused."),
};
constexpr FaultParam kResetPeerParams[] = {
    duration_param("delay", "0ms", "0ms", "1h", "How long after its first byte."),
    kDirection,
    kShare,
};
constexpr FaultParam kSlicerParams[] = {
    duration_param("delay", "0ms", "0ms", "10s", "Between two pieces."),
    kDirection,
    kShare,
    size_param("size", "64", "1", "1MiB", "Mean size of a piece."),
    size_param("variation", "0", "0", "1MiB", "How much more or less a piece may have."),
};
constexpr FaultParam kSlowCloseParams[] = {
    duration_param("delay", "1s", "0ms", "1h", "How late the end of a stream is passed on."),
    kDirection,
    kShare,
};

constexpr FaultParam kMethod = text_param(
    "method", "", "Requests of this method only, such as POST; none: of any.", &http_method);
constexpr FaultParam kPath =
    text_param("path", "*", "Requests of this path only; `*` stands for any characters.");
constexpr FaultParam kRequestShare =
    percent_param("share", "100", "0", "100", "Share of those requests that it touches.");

constexpr FaultParam kHttpBodyParams[] = {
    text_param("body", "{}", "What the client gets instead, with its own length."),
    kMethod,
    kPath,
    kRequestShare,
};
constexpr FaultParam kHttpDelayParams[] = {
    duration_param("delay", "200ms", "0ms", "1m", "How much later upstream gets the request."),
    kMethod,
    kPath,
    kRequestShare,
};
constexpr FaultParam kHttpHeaderParams[] = {
    word_param("action", "set", "remove|set", "Whether the header is set or removed."),
    text_param("header", "Retry-After", "Its name, in any case.", &http_field_name),
    kMethod,
    word_param("of", "answer", "answer|request", "Whose header."),
    kPath,
    kRequestShare,
    text_param("value", "1", "What it is set to."),
};
constexpr FaultParam kHttpStatusParams[] = {
    text_param("body", "", "Of the answer, as plain text."),
    kMethod,
    kPath,
    kRequestShare,
    integer_param("status", "503", "200", "599", "What is answered; upstream sees nothing."),
};

constexpr const char* kNeedsHttp = "a link of the node that is declared `protocol: http`";
constexpr const char* kHttpUndo = "The next request passes as it is.";
constexpr const char* kHttpMeasured = "Counts the requests that matched and those touched.";

constexpr const char* kNeedsLink = "a link of the node";

constexpr FaultKindSpec kKinds[] = {
    {.name = "http.body",
     .summary = "Replaces the body of answers to chosen requests on a link.",
     .target_key = "link",
     .params = kHttpBodyParams,
     .through = "http",
     .needs = kNeedsHttp,
     .undo = kHttpUndo,
     .measured = kHttpMeasured,
     .shown_by = "touched"},
    {.name = "http.delay",
     .summary = "Passes chosen requests on a link on later.",
     .target_key = "link",
     .params = kHttpDelayParams,
     .through = "http",
     .needs = kNeedsHttp,
     .undo = "The next request passes as it is; those that wait are passed on when they are due.",
     .measured = "Times each request from read to passed on; predicts the cost of a request.",
     .shown_by = "touched"},
    {.name = "http.header",
     .summary = "Sets or removes a header of chosen requests on a link, or of their answers.",
     .target_key = "link",
     .params = kHttpHeaderParams,
     .through = "http",
     .needs = kNeedsHttp,
     .undo = kHttpUndo,
     .measured = kHttpMeasured,
     .shown_by = "touched"},
    {.name = "http.status",
     .summary = "Answers chosen requests on a link with a status, without asking upstream.",
     .target_key = "link",
     .params = kHttpStatusParams,
     .through = "http",
     .needs = kNeedsHttp,
     .undo = kHttpUndo,
     .measured = kHttpMeasured,
     .shown_by = "touched"},
    {.name = "link.bandwidth",
     .summary = "Lets no more than a rate pass on each connection of a link.",
     .target_key = "link",
     .params = kBandwidthParams,
     .needs = kNeedsLink,
     .undo = "Removes the bound; what it held is delivered at once, in order.",
     .measured = "Bytes passed by the time in which there was something to pass.",
     .shown_by = "effects"},
    {.name = "link.blackhole",
     .summary = "Swallows every byte of a link without a word; new connections are accepted.",
     .target_key = "link",
     .params = kBlackHoleParams,
     .needs = kNeedsLink,
     .undo = "Closes the connections that it touched; new ones live again.",
     .measured = "Counts the connections touched and the bytes dropped.",
     .shown_by = "touched"},
    {.name = "link.delay",
     .summary = "Delivers each chunk of a link a set time after it was read.",
     .target_key = "link",
     .params = kDelayParams,
     .needs = kNeedsLink,
     .undo = "Removes the delay; what it held is delivered at once, in order.",
     .measured = "Times each chunk from read to delivered; predicts the cost of a request.",
     .shown_by = "effects"},
    {.name = "link.down",
     .summary = "Closes what is established on a link and refuses new connections.",
     .target_key = "link",
     .params = {},
     .needs = kNeedsLink,
     .undo = "Listens again.",
     .measured = "Counts the connections that are left.",
     .shown_by = "down"},
    {.name = "link.limit",
     .summary = "Closes a connection of a link once so many bytes have passed.",
     .target_key = "link",
     .params = kLimitParams,
     .needs = kNeedsLink,
     .undo = "Connections that were not closed live on, without a limit.",
     .measured = "Counts the connections touched and ended, the bytes passed and dropped.",
     .shown_by = "ended|dropped"},
    {.name = "link.refuse",
     .summary = "Resets a share of the new connections of a link.",
     .target_key = "link",
     .params = kRefuseParams,
     .needs = kNeedsLink,
     .undo = "Every new connection lives again.",
     .measured = "Counts the connections that came and those refused.",
     .shown_by = "refused"},
    {.name = "link.reset",
     .summary = "Resets what is established on a link, and each new connection.",
     .target_key = "link",
     .params = {},
     .needs = kNeedsLink,
     .undo = "New connections live again.",
     .measured = "Counts the connections that are left.",
     .shown_by = "*"},
    {.name = "link.reset-peer",
     .summary = "Resets each connection of a link a set time after its first byte.",
     .target_key = "link",
     .params = kResetPeerParams,
     .needs = kNeedsLink,
     .undo = "Connections that lost bytes are reset, others live on.",
     .measured = "Counts the connections touched and ended, the bytes passed and dropped.",
     .shown_by = "ended"},
    {.name = "link.slicer",
     .summary = "Cuts what passes a link into small pieces.",
     .target_key = "link",
     .params = kSlicerParams,
     .needs = kNeedsLink,
     .undo = "Removes the slicer; what it held is delivered at once, in order.",
     .measured = "Counts pieces and bytes, and times pieces from read to delivered.",
     .shown_by = "pieces"},
    {.name = "link.slow-close",
     .summary = "Passes the end of a stream of a link on late.",
     .target_key = "link",
     .params = kSlowCloseParams,
     .needs = kNeedsLink,
     .undo = "Ends that were held are passed on at once.",
     .measured = "Times each end from read to passed on.",
     .shown_by = "effects"},
};

}  // namespace

std::span<const FaultKindSpec> link_faults() { return kKinds; }

}  // namespace panshi
