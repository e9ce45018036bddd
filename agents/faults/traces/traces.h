// SPDX-License-Identifier: Apache-2.0
// Trace: one sort of thing that faults change on a machine or at a server, whatever their kind.
//
// One table for the snapshot (in which part it shows), for fsck (what of it is left) and for
// faults whose undo record is gone (how it is cleared then). Looks with bounds; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "agents/faults/fault.h"
#include "agents/faults/fsck.h"

namespace panshi::agent {

enum class Trace {
  kStopped,         // processes that stand still
  kEnded,           // services that were ended
  kStarts,          // services that start otherwise than configured
  kLimits,          // limits of processes
  kHelpers,         // processes of ours that load the node
  kPacketRules,     // tables of the kernel
  kDisciplines,     // of interfaces
  kFiles,           // files of others, broken
  kLinks,           // toxics of the agent's links
  kSqlLocked,       // locked
  kSqlReadOnly,     // the server refuses writes
  kSqlReplication,  // stopped or late
  kSqlSessions,     // that hold locks, connections, or the processor
  kRedisPause,      // writes wait
  kRedisMemory,     // maxmemory and its policy
  kRedisSecret,     // masterauth
  kRedisRole,       // who is the primary
  kRedisKeys,       // keys that expired
  kQueue,           // messages of ours in a stream
  kLoad,            // the rate of a load generator
};

struct TraceRow {
  Trace trace;
  const char* name;  // for people
  // The part of the snapshot in which it shows; "" when it ends with the agent's process, or when
  // no look can tell it from what happens by itself.
  const char* part;
  // What is left of it, of no fault in force. Null: fsck_node.cc and fsck.cc look at the machine
  // itself; with part "" there is nothing to be found.
  void (*find)(const FsckView& view, Host& host, std::vector<Leftover>& found);
  // Without an undo record. What was done, or how it is known to be over, is added to `done`; if
  // nothing is, nobody knows. kRefused: what is left for a person, in words. Null: it ends with the
  // agent's process.
  Status (*clear)(const FaultRequest& request, Host& host, std::vector<std::string>& done);
};

std::span<const TraceRow> trace_rows();
const TraceRow& trace_row(Trace trace);
// Of a kind of fault; never empty.
std::span<const Trace> traces_of(std::string_view kind);

// Appends what is left at the node's servers, and which of them could not be looked at.
void find_server_leftovers(const FsckView& view, Host& host, std::vector<Leftover>& found);

// The snapshot's part "servers": {"shop": {"sql": […], "redis": […], …}}; a server that cannot be
// asked is {"unavailable": "why"}.
nlohmann::json server_state(Host& host);

struct ClearedTraces {
  std::vector<std::string> done;
  std::vector<std::pair<std::string, std::string>> left;  // what, why or what to do
};
// Clears what a fault of this kind and these parameters may have left, by the ways of its traces.
ClearedTraces clear_traces(std::string_view kind, const FaultRequest& request, Host& host);

}  // namespace panshi::agent
