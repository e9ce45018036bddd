// SPDX-License-Identifier: Apache-2.0
// The servers whose own words a service's faults use, and who may hear their passwords.
#include "agents/config/config_parts.h"
#include "core/base/url.h"

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
  if (socket.empty()) {
    may_tell(in, account.host, !account.password.empty() && authority.empty(), account.rules);
  }
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
  in.may("peers", server.peers);
  may_tell(in, server.host, !server.password.empty(), server.rules);
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
  const bool by_tls = !server.authority.empty() || server.url.starts_with("tls:");
  const auto where = parse_host_port(server.url.substr(server.url.find("//") + 2));
  may_tell(in, where ? where->host : "", !server.password.empty() && !by_tls, server.rules);
  in.may("monitor", server.monitor);
  if (has_user(server.monitor)) in.problem("monitor", kHoldsNoUser);
  in.done();
  service.nats = std::move(server);
}

void name_accounts(AgentConfig& config) {
  for (ServiceConfig& service : config.services) {
    std::set<uid_t> accounts;
    if (service.account()) accounts.insert(service.account()->user);
    if (service.redis) accounts.merge(std::set(service.redis->rules.accounts));
    if (service.sql) accounts.merge(std::set(service.sql->rules.accounts));
    if (service.redis) service.redis->rules.accounts.merge(std::set(accounts));
    if (service.sql) service.sql->rules.accounts.merge(std::set(accounts));
    if (service.nats) service.nats->rules.accounts.merge(std::set(accounts));
    if (service.ready) service.ready->target.rules.accounts.merge(std::set(accounts));
    for (ProbeConfig& probe : config.probes) {
      if (probe.service == service.name) probe.target.rules.accounts.merge(std::set(accounts));
    }
  }
}

}  // namespace panshi::agent
