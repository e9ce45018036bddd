// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kExhaustParams[] = {
    integer_param("most", "1000", "1", "10000", "Refuses to take more connections than this."),
};
constexpr FaultParam kLockParams[] = {
    text_param("table", nullptr, "The table, written database.table.", &table_name),
};
constexpr FaultParam kReplicationDelayParams[] = {
    duration_param("delay", "30s", "1s", "1h", "How late each change is applied; whole seconds."),
};
constexpr FaultParam kReplicationStopParams[] = {
    word_param("thread", "both", "apply|both|fetch",
               "What stops: fetching changes from the primary, applying them, or both."),
};

constexpr FaultParam kSlowQueryParams[] = {
    integer_param("sessions", "4", "1", "64", "How many queries run at a time."),
};

// The agent reads the privileges from here and looks whether the account has them.
#define NEEDS_ACCOUNT "an admin account (`sql`) of the service"
#define WITH_PRIVILEGES " with the privileges "

constexpr FaultKindSpec kKinds[] = {
    {.name = "db.disconnect",
     .summary = "Ends every client connection of a MariaDB service and refuses new ones.",
     .target_key = "service",
     .params = {},
     .through = "sql",
     .needs = NEEDS_ACCOUNT WITH_PRIVILEGES
     "BINLOG ADMIN, CREATE USER, PROCESS, CONNECTION ADMIN, SELECT ON mysql.*",
     .undo = "Unlocks the accounts that it locked.",
     .measured = "Counts the accounts that are locked and the client connections that are left.",
     .shown_by = "accounts_locked",
     .holds = {.what = "accounts"}},
    {.name = "db.exhaust-connections",
     .summary = "Takes every connection of a MariaDB service that is free or becomes free.",
     .target_key = "service",
     .params = kExhaustParams,
     .through = "sql",
     .needs = NEEDS_ACCOUNT WITH_PRIVILEGES "BINLOG ADMIN",
     .undo = "Closes its connections; the server does so by itself when the agent has died.",
     .measured = "Counts the connections held, those there are and those allowed.",
     .shown_by = "held",
     .holds = {.what = "connections"}},
    {.name = "db.lock-table",
     .summary = "Holds a write lock on one table: whoever reads or writes it waits.",
     .target_key = "service",
     .params = kLockParams,
     .through = "sql",
     .needs = NEEDS_ACCOUNT WITH_PRIVILEGES "BINLOG ADMIN, PROCESS, SELECT, LOCK TABLES",
     .undo = "Lets go of the lock; the server does so by itself when the agent has died.",
     .measured = "Looks whether the session with the lock lives, and counts those who wait.",
     .shown_by = "locked"},
    {.name = "db.metadata-lock",
     .summary = "Lets a change of one table wait for an open transaction: whoever reads or writes "
                "the table later waits behind it.",
     .target_key = "service",
     .params = kLockParams,
     .through = "sql",
     .needs = NEEDS_ACCOUNT WITH_PRIVILEGES "BINLOG ADMIN, PROCESS, SELECT, LOCK TABLES",
     .undo = "Ends the transaction; the server does so by itself when the agent has died.",
     .measured = "Looks whether the transaction's session lives, and counts those who wait.",
     .shown_by = "locked"},
    {.name = "db.primary-kill",
     .summary = "Kills every process of a MariaDB service that is a primary at that moment.",
     .target_key = "service",
     .params = {},
     .through = "sql",
     .needs = NEEDS_ACCOUNT ", which follows nobody and takes writes," WITH_PRIVILEGES
                            "BINLOG ADMIN, SLAVE MONITOR",
     .undo = "Has the service supervised to run again.",
     .measured = "Counts the processes that are gone.",
     .shown_by = "gone",
     .holds = {.ends = FaultHold::Ends::kOnce}},
    {.name = "db.read-only",
     .summary = "Makes a MariaDB service refuse every change.",
     .target_key = "service",
     .params = {},
     .through = "sql",
     .needs = NEEDS_ACCOUNT WITH_PRIVILEGES "BINLOG ADMIN, READ_ONLY ADMIN",
     .undo = "Puts the global variable back to the value it had.",
     .measured = "Reads the global variable.",
     .shown_by = "read_only",
     .holds = {.what = "read_only"}},
    {.name = "db.refuse-new",
     .summary = "Refuses new connections of clients to a MariaDB service; established ones live.",
     .target_key = "service",
     .params = {},
     .through = "sql",
     .needs = NEEDS_ACCOUNT WITH_PRIVILEGES "BINLOG ADMIN, CREATE USER, PROCESS, SELECT ON mysql.*",
     .undo = "Unlocks the accounts that it locked.",
     .measured = "Counts the accounts that are locked and the client connections that are left.",
     .shown_by = "accounts_locked",
     .holds = {.what = "accounts"}},
    {.name = "db.replication-delay",
     .summary = "Makes a replica apply each change a set time after its primary.",
     .target_key = "service",
     .params = kReplicationDelayParams,
     .through = "sql",
     .needs = NEEDS_ACCOUNT WITH_PRIVILEGES "BINLOG ADMIN, REPLICATION SLAVE ADMIN, SLAVE MONITOR",
     .undo = "Puts the delay back to what it was; the replica catches up.",
     .measured = "Reads the delay in force, and how far behind the replica says it is.",
     .shown_by = "effects",
     .holds = {.what = "replication"}},
    {.name = "db.replication-stop",
     .summary = "Stops a replica from following its primary.",
     .target_key = "service",
     .params = kReplicationStopParams,
     .through = "sql",
     .needs = NEEDS_ACCOUNT WITH_PRIVILEGES "BINLOG ADMIN, REPLICATION SLAVE ADMIN, SLAVE MONITOR",
     .undo = "Starts the threads that ran before; the replica catches up.",
     .measured = "Looks which of the two replication threads run.",
     .shown_by = "!fetches|!applies",
     .holds = {.what = "replication"}},
    {.name = "db.slow-query",
     .summary = "Keeps a MariaDB service computing: heavy queries that read no table, at a time.",
     .target_key = "service",
     .params = kSlowQueryParams,
     .through = "sql",
     .needs = NEEDS_ACCOUNT WITH_PRIVILEGES "BINLOG ADMIN, PROCESS",
     .undo = "Runs no more of them; the server ends each after a second by itself.",
     .measured = "Counts the sessions that are there, and the threads of the server that run.",
     .shown_by = "effects"},
};

}  // namespace

std::span<const FaultKindSpec> database_faults() { return kKinds; }

}  // namespace panshi
