// SPDX-License-Identifier: Apache-2.0
// What the files of kinds share. For agents/probes/kinds/ only.
#pragma once

#include <memory>
#include <optional>

#include "agents/limits.h"
#include "agents/probes/kinds/kind.h"
#include "core/base/result.h"

namespace panshi::agent {

void read_server(Fields& in, ProbeTarget& target);  // host, port
void read_role(Fields& in, ProbeTarget& target);
// http(s)://IPv4:port/path, and for https whom it believes.
void read_url(Fields& in, ProbeTarget& target);
// The entries of `signals`; `check` says what is wrong with one, or "".
void read_signals(Fields& in, ProbeTarget& target,
                  const std::function<std::string(const std::string&)>& check);

// Asks over a connection that is kept between runs and dropped on any error.
template <class Client>
ProbeAsk over_kept(std::function<Result<Client>()> connect,
                   std::function<Result<ProbeAnswer>(Client&)> use) {
  // A shared_ptr because std::function wants to be copyable; nobody copies it.
  return [connect = std::move(connect), use = std::move(use),
          kept = std::make_shared<std::optional<Client>>()]() -> ProbeAnswer {
    if (!*kept) {
      auto connected = connect();
      if (!connected) return {"connect: " + connected.error().message, {}};
      *kept = std::move(*connected);
    }
    auto answer = use(**kept);
    if (answer) return std::move(*answer);
    kept->reset();
    return {answer.error().message, {}};
  };
}

void read_sql(Fields& in, ProbeTarget& target);
ProbeAsk ask_sql(const ProbeTarget& target, Duration timeout);
void read_mariadb(Fields& in, ProbeTarget& target);
ProbeAsk ask_mariadb(const ProbeTarget& target, Duration timeout);
void read_redis(Fields& in, ProbeTarget& target);
ProbeAsk ask_redis(const ProbeTarget& target, Duration timeout);
void read_redis_cluster(Fields& in, ProbeTarget& target);
ProbeAsk ask_redis_cluster(const ProbeTarget& target, Duration timeout);
void read_http(Fields& in, ProbeTarget& target);
ProbeAnswer judge_http(const ProbeTarget& target, const std::string& body);
void read_prometheus(Fields& in, ProbeTarget& target);
ProbeAnswer judge_prometheus(const ProbeTarget& target, const std::string& body);
void read_nats(Fields& in, ProbeTarget& target);
ProbeAnswer judge_nats(const ProbeTarget& target, const std::string& body);
void read_disk(Fields& in, ProbeTarget& target);
ProbeAsk ask_disk(const ProbeTarget& target, Duration timeout);
void read_memory(Fields& in, ProbeTarget& target);
ProbeAsk ask_memory(const ProbeTarget& target, Duration timeout);
void read_pressure(Fields& in, ProbeTarget& target);
ProbeAsk ask_pressure(const ProbeTarget& target, Duration timeout);

}  // namespace panshi::agent
