// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/file/damage.h"
#include "agents/faults/node_target.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "file.flip",
     .make = &make_file_flip,
     .cheap_measure = false,
     .why_not = &why_no_directories},
    {.kind = "file.permission",
     .make = &make_file_permission,
     .cheap_measure = false,
     .why_not = &why_no_directories},
    {.kind = "file.truncate",
     .make = &make_file_truncate,
     .cheap_measure = false,
     .why_not = &why_no_directories},
};

}  // namespace

std::span<const FaultMeans> file_means() { return kMeans; }

}  // namespace panshi::agent
