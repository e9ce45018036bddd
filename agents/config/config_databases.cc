// SPDX-License-Identifier: Apache-2.0
// The servers whose own words a service's faults use, and who may hear their passwords.
#include "agents/config/config_parts.h"
#include "core/base/url.h"
#include "core/io/run_as.h"

namespace panshi::agent {

using nlohmann::json;

void read_port(Fields& in, const char* key, std::uint16_t& out, bool needed) {
  std::int64_t port = out;
  if (needed) {
    in.need(key, port, {1, 65'535});
  } else {
    in.may(key, port, {1, 65'535});
  }
  out = static_cast<std::uint16_t>(port);
}

void read_sql_account(const json& value, std::string path, Problems& problems,
                      ServiceConfig& service) {
  Fields in(value, std::move(path), problems);
  SqlAccount account;
  std::string socket;
  std::string authority;
  in.may("socket", socket);
  if (socket.empty()) {
    in.need("host", account.host);
    read_port(in, "port", account.port, true);
    in.may("authority", authority);
  }
  account.socket = socket;
  account.authority = authority;
  in.need("user", account.user);
  may_secret(in, "password", account.password);
  in.done();
  service.sql = std::move(account);
}

void read_redis_server(const json& value, std::string path, Problems& problems,
                       ServiceConfig& service) {
  Fields in(value, std::move(path), problems);
  RedisServer server;
  in.need("host", server.host);
  read_port(in, "port", server.port, true);
  may_secret(in, "password", server.password);
  may_account(in, server.accounts);
  in.may("peers", server.peers);
  in.done();
  service.redis = std::move(server);
}

void read_nats_server(const json& value, std::string path, Problems& problems,
                      ServiceConfig& service) {
  Fields in(value, std::move(path), problems);
  NatsServer server;
  in.need("url", server.url);
  if (server.url.find('@') != std::string::npos) {
    in.problem("url", "holds no password: write `user` and `password: {secret: FILE}`");
  }
  in.may("user", server.user);
  may_secret(in, "password", server.password);
  std::string authority;
  in.may("authority", authority);
  server.authority = authority;
  may_account(in, server.accounts);
  in.may("monitor", server.monitor);
  if (has_user(server.monitor)) in.problem("monitor", kHoldsNoUser);
  in.done();
  service.nats = std::move(server);
}

void name_accounts(AgentConfig& config) {
  for (ServiceConfig& service : config.services) {
    std::set<uid_t> accounts;
    if (service.account()) accounts.insert(service.account()->user);
    if (service.redis) {
      service.redis->accounts.merge(std::set(accounts));
      accounts = service.redis->accounts;
    }
    if (service.nats) service.nats->accounts.merge(std::set(accounts));
    if (service.ready) service.ready->target.accounts.merge(std::set(accounts));
    for (ProbeConfig& probe : config.probes) {
      if (probe.service == service.name) probe.target.accounts.merge(std::set(accounts));
    }
  }
}

}  // namespace panshi::agent
