// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultKindSpec kKinds[] = {
    {.name = "db.disconnect",
     .summary = "Ends every client connection of a MariaDB service and refuses new ones.",
     .target_key = "service",
     .params = {},
     .needs = "an admin account (`sql`) of the service",
     .undo = "Unlocks the accounts that it locked.",
     .measured = "Counts the accounts that are locked and the client connections that are left."},
};

}  // namespace

std::span<const FaultKindSpec> database_faults() { return kKinds; }

}  // namespace panshi
