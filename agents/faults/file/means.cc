// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/file/damage.h"
#include "agents/faults/node_target.h"

namespace panshi::agent {
namespace {

// One at a time on a node: the copies of two on the same file would undo each other.
constexpr FaultMeans kMeans[] = {
    {.kind = "file.flip",
     .make = &make_file_flip,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_directories,
     .claims = "files"},
    {.kind = "file.permission",
     .make = &make_file_permission,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_directories,
     .claims = "files"},
    {.kind = "file.truncate",
     .make = &make_file_truncate,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_directories,
     .claims = "files"},
};

}  // namespace

std::span<const FaultMeans> file_means() { return kMeans; }

}  // namespace panshi::agent
