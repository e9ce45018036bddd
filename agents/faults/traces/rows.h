// SPDX-License-Identifier: Apache-2.0
// The functions of the rows of trace_rows(), by where they look. See traces.h.
#pragma once

#include "agents/faults/traces/traces.h"

namespace panshi::agent {

using Done = std::vector<std::string>;
using FindTrace = void(const FsckView& view, Host& host, std::vector<Leftover>& found);
using ClearTrace = Status(const FaultRequest& request, Host& host, Done& done);
using StateLines = Result<std::vector<std::string>>;  // of one service, for the snapshot

// A fault of one of these kinds is in force on the service: what is found is its doing.
bool is_covered(const FsckView& view, std::string_view kinds, const std::string& service);

bool is_live(const FsckView& view, std::string_view fault);

// machine.cc
FindTrace find_starts;
ClearTrace clear_stopped, clear_ended, clear_starts, clear_limits, clear_helpers,
    clear_packet_rules, clear_disciplines, clear_files, clear_links;
// sql.cc
FindTrace find_locked_accounts, find_read_only, find_replication;
ClearTrace clear_locked_accounts, clear_read_only, clear_replication;
StateLines sql_state(const std::string& service, Host& host);
// redis.cc
FindTrace find_redis_pause, find_redis_memory, find_redis_secret;
ClearTrace clear_redis_pause, clear_redis_memory, clear_redis_secret, clear_redis_role,
    clear_redis_keys;
StateLines redis_state(const std::string& service, Host& host);
// others.cc
FindTrace find_queue, find_load;
ClearTrace clear_queue, clear_load;
StateLines queue_state(const std::string& service, Host& host);
StateLines load_state(const std::string& service, Host& host);

}  // namespace panshi::agent
