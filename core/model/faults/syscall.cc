// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kCall = word_param(
    "call", nullptr,
    "accept4|bind|close|connect|fdatasync|fsync|futex|mmap|openat|pread64|pwrite64|read|readv|"
    "recvfrom|recvmsg|renameat2|sendmsg|sendto|socket|unlink|write|writev",
    "Which system call.");
constexpr FaultParam kEvery =
    integer_param("every", "1", "1", "65535", "Each how many-th of these calls of a thread.");

constexpr FaultParam kDelayParams[] = {
    kCall,
    duration_param("delay", "50ms", "1ms", "10s", "How much later the call begins."),
    kEvery,
};
constexpr FaultParam kErrorParams[] = {
    kCall,
    word_param("error", "EIO",
               "EACCES|EAGAIN|ECONNREFUSED|ECONNRESET|EDQUOT|EINTR|EIO|EMFILE|ENFILE|ENOMEM|ENOSPC|"
               "EPIPE|EROFS|ETIMEDOUT",
               "What the call fails with; it is not carried out."),
    kEvery,
};

constexpr const char* kNeeds = "strace, a service of the node that nobody traces";
constexpr const char* kUndo = "Ends the tracer, which lets every process go on.";
constexpr const char* kMeasured = "Counts the processes that are traced.";

constexpr FaultKindSpec kKinds[] = {
    {.name = "syscall.delay",
     .summary = "Has chosen system calls of a service take longer.",
     .target_key = "service",
     .params = kDelayParams,
     .needs = kNeeds,
     .undo = kUndo,
     .measured = kMeasured,
     .shown_by = "traced",
     .holds = {.what = "tracer"}},
    {.name = "syscall.error",
     .summary = "Has chosen system calls of a service fail.",
     .target_key = "service",
     .params = kErrorParams,
     .needs = kNeeds,
     .undo = kUndo,
     .measured = kMeasured,
     .shown_by = "traced",
     .holds = {.what = "tracer"}},
};

}  // namespace

std::span<const FaultKindSpec> syscall_faults() { return kKinds; }

}  // namespace panshi
