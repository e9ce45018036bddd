// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/means.h"

#include "agents/faults/database/disconnect.h"
#include "agents/faults/database/exhaust.h"
#include "agents/faults/database/lock_table.h"
#include "agents/faults/database/metadata_lock.h"
#include "agents/faults/database/primary_kill.h"
#include "agents/faults/database/privileges.h"
#include "agents/faults/database/read_only.h"
#include "agents/faults/database/replication.h"
#include "agents/faults/database/slow_query.h"

namespace panshi::agent {
namespace {

constexpr char kDisconnect[] = "db.disconnect";
constexpr char kExhaustConnections[] = "db.exhaust-connections";
constexpr char kLockTable[] = "db.lock-table";
constexpr char kMetadataLock[] = "db.metadata-lock";
constexpr char kPrimaryKill[] = "db.primary-kill";
constexpr char kReadOnly[] = "db.read-only";
constexpr char kRefuseNew[] = "db.refuse-new";
constexpr char kReplicationDelay[] = "db.replication-delay";
constexpr char kReplicationStop[] = "db.replication-stop";
constexpr char kSlowQuery[] = "db.slow-query";

template <const char* Kind, auto Make>
constexpr FaultMeans row(bool cheap_measure = false) {
  return account_row<kSqlAccounts, Kind, Make>(cheap_measure);
}

constexpr FaultMeans kMeans[] = {
    row<kDisconnect, &make_db_disconnect>(),
    row<kExhaustConnections, &make_db_exhaust_connections>(),
    row<kLockTable, &make_db_lock_table>(),
    row<kMetadataLock, &make_db_metadata_lock>(),
    row<kPrimaryKill, &make_db_primary_kill>(true),
    row<kReadOnly, &make_db_read_only>(),
    row<kRefuseNew, &make_db_refuse_new>(),
    row<kReplicationDelay, &make_db_replication_delay>(),
    row<kReplicationStop, &make_db_replication_stop>(),
    row<kSlowQuery, &make_db_slow_query>(),
};

}  // namespace

std::span<const FaultMeans> database_means() { return kMeans; }

}  // namespace panshi::agent
