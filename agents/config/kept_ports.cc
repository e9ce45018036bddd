// SPDX-License-Identifier: Apache-2.0
#include "agents/config/config_parts.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

// "nats://127.0.0.1:4222", "http://127.0.0.1:8222/x"; 0 when there is none.
std::uint16_t port_in(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return 0;
  const auto begin = scheme + 3;
  const auto where = parse_host_port(url.substr(begin, url.find('/', begin) - begin));
  if (where) return where->port;
  if (url.starts_with("https:")) return 443;
  return url.starts_with("http:") ? 80 : 4'222;  // NATS's own
}

std::uint16_t port_at(const std::string& address) {
  const auto where = parse_host_port(address);
  return where ? where->port : std::uint16_t{0};
}

}  // namespace

// At any address: a port is the same service on every one, and a proxy may listen on all of them.
std::map<std::uint16_t, std::string> kept_ports(const AgentConfig& config) {
  std::map<std::uint16_t, std::string> kept;
  const auto keep = [&kept](std::uint16_t port, const std::string& whose) {
    if (port != 0) kept.emplace(port, whose);
  };
  keep(config.port, "the agent's own API");
  if (config.toxiproxy) keep(config.toxiproxy->port, "this API");
  for (const LinkConfig& link : config.links) {
    keep(port_at(link.listen), cat("link ", link.name));
    for (const auto& upstream : link.upstreams) {
      keep(port_at(upstream.address), cat("an upstream of link ", link.name));
    }
  }
  for (const ServiceConfig& service : config.services) {
    const std::string whose = cat("service ", service.name);
    if (service.ready) keep(service.ready->target.port, whose);
    if (service.sql && service.sql->socket.empty()) keep(service.sql->port, whose);
    if (service.redis) keep(service.redis->port, whose);
    if (service.nats) keep(port_in(service.nats->url), whose);
    if (service.nats) keep(port_in(service.nats->monitor), whose);
    keep(port_in(service.load), whose);
  }
  for (const ProbeConfig& probe : config.probes) {
    keep(probe.target.port, cat("probe ", probe.name));
  }
  return kept;
}

}  // namespace panshi::agent
