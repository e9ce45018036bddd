// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/database/admin.h"
#include "agents/faults/database/disconnect.h"
#include "agents/faults/database/exhaust.h"
#include "agents/faults/database/lock_table.h"
#include "agents/faults/database/metadata_lock.h"
#include "agents/faults/database/primary_kill.h"
#include "agents/faults/database/read_only.h"
#include "agents/faults/database/replication.h"
#include "agents/faults/database/slow_query.h"

namespace panshi::agent {
namespace {

constexpr FaultMeans kMeans[] = {
    {.kind = "db.disconnect",
     .make = &make_db_disconnect,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_database},
    {.kind = "db.exhaust-connections",
     .make = &make_db_exhaust_connections,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_database},
    {.kind = "db.lock-table",
     .make = &make_db_lock_table,
     .exclusive = false,
     .cheap_measure = false,
     .why_not = &why_no_database},
    {.kind = "db.metadata-lock",
     .make = &make_db_metadata_lock,
     .exclusive = false,
     .cheap_measure = false,
     .why_not = &why_no_database},
    {.kind = "db.primary-kill",
     .make = &make_db_primary_kill,
     .exclusive = false,
     .cheap_measure = true,
     .why_not = &why_no_database},
    {.kind = "db.read-only",
     .make = &make_db_read_only,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_database},
    {.kind = "db.refuse-new",
     .make = &make_db_refuse_new,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_database},
    {.kind = "db.replication-delay",
     .make = &make_db_replication_delay,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_database},
    {.kind = "db.replication-stop",
     .make = &make_db_replication_stop,
     .exclusive = true,
     .cheap_measure = false,
     .why_not = &why_no_database},
    {.kind = "db.slow-query",
     .make = &make_db_slow_query,
     .exclusive = false,
     .cheap_measure = false,
     .why_not = &why_no_database},
};

}  // namespace

std::span<const FaultMeans> database_means() { return kMeans; }

}  // namespace panshi::agent
