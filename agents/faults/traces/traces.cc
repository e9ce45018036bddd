// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traces/traces.h"

#include <algorithm>
#include <array>

#include "agents/faults/queue/admin.h"
#include "agents/faults/redis/admin.h"
#include "agents/faults/traces/rows.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr TraceRow kRows[] = {
    {Trace::kStopped, "stopped processes", "stopped", nullptr, &clear_stopped},
    {Trace::kEnded, "ended services", "services", nullptr, &clear_ended},
    {Trace::kStarts, "changed starts of services", "services", &find_starts, &clear_starts},
    {Trace::kLimits, "limits of processes", "services", nullptr, &clear_limits},
    {Trace::kHelpers, "helper processes", "helpers", nullptr, &clear_helpers},
    {Trace::kPacketRules, "packet rules", "nft", nullptr, &clear_packet_rules},
    {Trace::kDisciplines, "queueing disciplines", "qdiscs", nullptr, &clear_disciplines},
    {Trace::kFiles, "files", "files", nullptr, &clear_files},
    {Trace::kLinks, "links", "", nullptr, &clear_links},
    {Trace::kSqlLocked, "accounts", "servers", &find_locked_accounts, &clear_locked_accounts},
    {Trace::kSqlReadOnly, "read_only", "servers", &find_read_only, &clear_read_only},
    {Trace::kSqlReplication, "replication", "servers", &find_replication, &clear_replication},
    {Trace::kSqlSessions, "sessions", "", nullptr, nullptr},
    {Trace::kRedisPause, "paused clients", "servers", &find_redis_pause, &clear_redis_pause},
    {Trace::kRedisMemory, "maxmemory", "servers", &find_redis_memory, &clear_redis_memory},
    {Trace::kRedisSecret, "masterauth", "servers", &find_redis_secret, &clear_redis_secret},
    {Trace::kRedisRole, "role in the cluster", "servers", nullptr, &clear_redis_role},
    {Trace::kRedisKeys, "expired keys", "", nullptr, &clear_redis_keys},
    {Trace::kQueue, "messages", "servers", &find_queue, &clear_queue},
    {Trace::kLoad, "rate of the load", "servers", &find_load, &clear_load},
};
static_assert(std::size(kRows) == static_cast<std::size_t>(Trace::kLoad) + 1);

struct KindTraces {
  std::string_view kind;
  std::array<Trace, 2> traces;
  std::size_t count;
  constexpr KindTraces(const char* kind_in, Trace only)
      : kind(kind_in), traces{only, only}, count(1) {}
  constexpr KindTraces(const char* kind_in, Trace one, Trace two)
      : kind(kind_in), traces{one, two}, count(2) {}
};

constexpr KindTraces kByKind[] = {
    {"db.disconnect", Trace::kSqlLocked},
    {"db.exhaust-connections", Trace::kSqlSessions},
    {"db.lock-table", Trace::kSqlSessions},
    {"db.metadata-lock", Trace::kSqlSessions},
    {"db.primary-kill", Trace::kEnded},
    {"db.read-only", Trace::kSqlReadOnly},
    {"db.refuse-new", Trace::kSqlLocked},
    {"db.replication-delay", Trace::kSqlReplication},
    {"db.replication-stop", Trace::kSqlReplication},
    {"db.slow-query", Trace::kSqlSessions},
    {"dns.answer", Trace::kPacketRules, Trace::kHelpers},
    {"dns.failure", Trace::kPacketRules, Trace::kHelpers},
    {"file.flip", Trace::kFiles},
    {"file.permission", Trace::kFiles},
    {"file.truncate", Trace::kFiles},
    {"http.body", Trace::kLinks},
    {"http.delay", Trace::kLinks},
    {"http.header", Trace::kLinks},
    {"http.status", Trace::kLinks},
    {"link.bandwidth", Trace::kLinks},
    {"link.blackhole", Trace::kLinks},
    {"link.delay", Trace::kLinks},
    {"link.down", Trace::kLinks},
    {"link.limit", Trace::kLinks},
    {"link.refuse", Trace::kLinks},
    {"link.reset", Trace::kLinks},
    {"link.reset-peer", Trace::kLinks},
    {"link.slicer", Trace::kLinks},
    {"link.slow-close", Trace::kLinks},
    {"load.surge", Trace::kLoad},
    {"network.damage", Trace::kDisciplines},
    {"network.delay", Trace::kDisciplines},
    {"network.loss", Trace::kPacketRules},
    {"network.partition", Trace::kPacketRules},
    {"network.port-drop", Trace::kPacketRules},
    {"network.port-reject", Trace::kPacketRules},
    {"network.rate", Trace::kDisciplines},
    {"process.crash-loop", Trace::kEnded},
    {"process.exit-code", Trace::kStarts},
    {"process.kill", Trace::kEnded},
    {"process.pause", Trace::kStopped},
    {"process.restart", Trace::kEnded},
    {"queue.consumer-stall", Trace::kStopped},
    {"queue.fill", Trace::kQueue},
    {"queue.leader-stop", Trace::kStopped},
    {"redis.expire-keys", Trace::kRedisKeys},
    {"redis.failover", Trace::kRedisRole},
    {"redis.kill", Trace::kEnded},
    {"redis.memory-full", Trace::kRedisMemory},
    {"redis.pause-clients", Trace::kRedisPause},
    {"redis.replication-break", Trace::kRedisSecret},
    {"resource.cpu", Trace::kHelpers},
    {"resource.descriptors", Trace::kLimits},
    {"resource.disk-fill", Trace::kHelpers},
    {"resource.disk-load", Trace::kHelpers},
    {"resource.memory", Trace::kHelpers},
    {"resource.processes", Trace::kHelpers},
    {"syscall.delay", Trace::kHelpers},
    {"syscall.error", Trace::kHelpers},
    {"time.skew", Trace::kStarts},
};

template <class State>
void add_state(nlohmann::json& servers, const std::vector<std::string>& services, const char* what,
               State state, Host& host) {
  for (const std::string& service : services) {
    const StateLines lines = state(service, host);
    servers[service][what] =
        lines ? nlohmann::json(*lines) : nlohmann::json{{"unavailable", lines.error().message}};
  }
}

}  // namespace

bool is_covered(const FsckView& view, std::string_view kinds, const std::string& service) {
  return std::any_of(view.live.begin(), view.live.end(), [&](const UndoRecord& each) {
    return kinds.find(each.facts.kind) != kinds.npos &&
           each.facts.target.value("service", std::string()) == service;
  });
}

bool is_live(const FsckView& view, std::string_view fault) {
  return std::any_of(view.live.begin(), view.live.end(),
                     [&](const UndoRecord& each) { return each.facts.id == fault; });
}

std::span<const TraceRow> trace_rows() { return kRows; }

const TraceRow& trace_row(Trace trace) {
  const auto found = std::find_if(std::begin(kRows), std::end(kRows),
                                  [&](const TraceRow& row) { return row.trace == trace; });
  CHECK_BUG(found != std::end(kRows));
  return *found;
}

std::span<const Trace> traces_of(std::string_view kind) {
  const auto found = std::find_if(std::begin(kByKind), std::end(kByKind),
                                  [&](const KindTraces& row) { return row.kind == kind; });
  CHECK_BUG(found != std::end(kByKind));  // a kind without its look cannot be built unnoticed
  return std::span(found->traces).first(found->count);
}

void find_server_leftovers(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for (const TraceRow& row : kRows) {
    if (row.find != nullptr) row.find(view, host, found);
  }
  // Each look passes over a server that does not answer: said once.
  const auto add = [&](const char* what, const std::string& service, const auto& session) {
    if (session) return;
    found.push_back({.what = cat(what, " of service ", service, " was not looked at"),
                     .ours = false,
                     .why = session.error().message,
                     .clear_hint = "look again when it answers"});
  };
  for (const auto& service : host.sql_services()) add("database", service, host.open_sql(service));
  for (const auto& service : host.redis_services())
    add("Redis", service, open_redis(host, service));
  for (const auto& service : host.nats_services()) add("queue", service, open_nats(host, service));
  for (const auto& service : host.load_services()) {
    add("load", service, host.control_load(service, "/status", nullptr));
  }
}

nlohmann::json server_state(Host& host) {
  nlohmann::json servers = nlohmann::json::object();
  add_state(servers, host.sql_services(), "sql", &sql_state, host);
  add_state(servers, host.redis_services(), "redis", &redis_state, host);
  add_state(servers, host.nats_services(), "queue", &queue_state, host);
  add_state(servers, host.load_services(), "load", &load_state, host);
  return servers;
}

ClearedTraces clear_traces(std::string_view kind, const FaultRequest& request, Host& host) {
  ClearedTraces result;
  for (const Trace trace : traces_of(kind)) {
    const TraceRow& row = trace_row(trace);
    const std::size_t before = result.done.size();
    if (row.clear == nullptr) {
      result.done.push_back(cat(row.name, " ended with the agent that held them"));
    } else if (auto cleared = row.clear(request, host, result.done); !cleared) {
      result.left.emplace_back(row.name, cleared.error().message);
    } else if (result.done.size() == before) {
      result.left.emplace_back(
          row.name, cat("nothing of it was found at ", request.target_key, " ", request.target,
                        ", which may have been started anew since; look with panshi-agent fsck"));
    }
  }
  return result;
}

}  // namespace panshi::agent
