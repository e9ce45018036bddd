// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "agents/config/host_port.h"
#include "agents/probes/kinds/parts.h"

namespace panshi::agent {
namespace {

using Way = ProbeKind::Way;

constexpr std::array kMariaDbSignals = {
    ProbeSignal{"primary", "1: takes writes and follows nobody"},
    ProbeSignal{"read_only", "1: refuses writes of ordinary accounts"},
    ProbeSignal{"replicating", "1: follows a primary, and both threads run"},
    ProbeSignal{"lag_s", "seconds behind the primary; absent while that is not known"},
    ProbeSignal{"gtid", "sequence numbers of gtid_current_pos, added up over its domains"},
};
constexpr std::array kRedisClusterSignals = {
    ProbeSignal{"state_ok", "1: the server thinks that the cluster serves"},
    ProbeSignal{"slots_ok", "slots of 16384 that it thinks are served"},
    ProbeSignal{"primary", "1: a primary, 0: a replica"},
    ProbeSignal{"replicas", "of a primary: replicas that follow it"},
    ProbeSignal{"linked", "of a replica: 1 when it follows its primary"},
    ProbeSignal{"offset", "bytes of replication it has written or read"},
};
constexpr std::array kNatsSignals = {
    ProbeSignal{"leader", "1: the stream has a leader, and it is `server` if that is given"},
    ProbeSignal{"messages", "in the stream"},
    ProbeSignal{"pending", "messages that the consumer was not given yet"},
    ProbeSignal{"unacknowledged", "messages that it was given and has not settled"},
};
constexpr std::array kDiskSignals = {
    ProbeSignal{"free_bytes", "that an ordinary account may use"},
    ProbeSignal{"free_percent", "of what it may use in all"},
};
constexpr std::array kMemorySignals = {
    ProbeSignal{"available_bytes", "without swapping"},
    ProbeSignal{"available_percent", "of all"},
};
constexpr std::array kPressureSignals = {
    ProbeSignal{"some", "percent of the last 10 s in which at least one task waited"},
    ProbeSignal{"full", "percent of the last 10 s in which all waited"},
};

void read_nothing(Fields&, ProbeTarget&) {}

void read_tcp(Fields& in, ProbeTarget& target) {
  std::string address;
  in.need("address", address);
  if (address.empty()) return;
  const auto where = parse_host_port(address);
  if (!where) return in.problem("address", where.error().message);
  target.host = where->host == "localhost" ? "127.0.0.1" : where->host;
  target.port = where->port;
  if (is_ipv4(target.host)) return;
  in.problem("address", "`" + target.host + "` must be an IPv4 address: a probe resolves no names");
}

constexpr std::array kKinds = {
    ProbeKind{"process",
              "whether the service's process lives",
              Way::kKernel,
              false,
              read_nothing,
              nullptr,
              nullptr,
              {}},
    ProbeKind{"tcp",
              "whether a connection is accepted",
              Way::kConnect,
              false,
              read_tcp,
              nullptr,
              nullptr,
              {}},
    ProbeKind{"http",
              "a GET, and figures of its JSON answer",
              Way::kHttp,
              false,
              read_http,
              judge_http,
              nullptr,
              {}},
    ProbeKind{"sql", "a query", Way::kBlocking, false, read_sql, nullptr, ask_sql, {}},
    ProbeKind{"redis", "a PING", Way::kBlocking, false, read_redis, nullptr, ask_redis, {}},
    ProbeKind{"mariadb", "role, replication and read-only of a MariaDB server", Way::kBlocking,
              false, read_mariadb, nullptr, ask_mariadb, kMariaDbSignals},
    ProbeKind{"redis-cluster", "state, slots and role as one server of a Redis Cluster has them",
              Way::kBlocking, false, read_redis_cluster, nullptr, ask_redis_cluster,
              kRedisClusterSignals},
    ProbeKind{"nats", "leader, length and backlog of a stream, by the monitoring port", Way::kHttp,
              false, read_nats, judge_nats, nullptr, kNatsSignals},
    ProbeKind{"prometheus",
              "figures of a metrics page in Prometheus' text format",
              Way::kHttp,
              false,
              read_prometheus,
              judge_prometheus,
              nullptr,
              {}},
    ProbeKind{"disk", "what is free where a folder lies", Way::kBlocking, true, read_disk, nullptr,
              ask_disk, kDiskSignals},
    ProbeKind{"memory", "memory that is available", Way::kBlocking, true, read_memory, nullptr,
              ask_memory, kMemorySignals},
    ProbeKind{"pressure", "share of the time that somebody waited (PSI)", Way::kBlocking, true,
              read_pressure, nullptr, ask_pressure, kPressureSignals},
};

}  // namespace

std::span<const ProbeKind> probe_kinds() { return kKinds; }

const ProbeKind* find_probe_kind(std::string_view name) {
  const auto found = std::find_if(kKinds.begin(), kKinds.end(),
                                  [&](const ProbeKind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : &*found;
}

}  // namespace panshi::agent
