// SPDX-License-Identifier: Apache-2.0
#include "agents/config/proxy_permits.h"

#include <unistd.h>

#include <algorithm>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

bool is_in(const std::vector<IpNetwork>& networks, const std::string& address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const IpNetwork& each) { return each.contains(address); });
}

// A name may lead anywhere, and elsewhere tomorrow.
bool may_be_here(const std::string& host) {
  return !IpNetwork::parse(host) || is_own_address(host);
}

}  // namespace

std::vector<IpNetwork> ProxyPermits::loopback() {
  return {IpNetwork::parse("127.0.0.0/8").value(), IpNetwork::parse("::1/128").value()};
}

ProxyPermits ProxyPermits::everything() {
  ProxyPermits permits;
  permits.listen_in = {IpNetwork::parse("0.0.0.0/0").value(), IpNetwork::parse("::/0").value()};
  permits.port_min = 1;
  permits.port_max = 65'535;
  permits.any_upstream = true;
  permits.any_user = true;
  return permits;
}

std::string ProxyPermits::why_no_listen(const std::string& numeric) const {
  const auto colon = numeric.rfind(':');
  const std::string host = numeric.substr(0, colon);
  // Every address of this machine, of both families where there are both.
  const bool is_any = host == "[::]" || host == "0.0.0.0";
  const bool is_good = is_any ? std::any_of(listen_in.begin(), listen_in.end(),
                                            [](const auto& each) { return each.is_everything(); })
                              : is_in(listen_in, host);
  if (!is_good) return cat(host, " is not among the agent's `toxiproxy.listen_in`");
  const auto port = parse_integer(numeric.substr(colon + 1)).value_or(0);
  if (port == 0) return "";
  if (port < port_min || port > port_max) {
    return cat("port ", port, " is not of the agent's `toxiproxy.port_min` to `port_max`, ",
               port_min, " to ", port_max, ": listen on one of those, or write others there");
  }
  return why_kept(static_cast<std::uint16_t>(port));
}

std::string ProxyPermits::why_kept(std::uint16_t port) const {
  std::string whose;
  if (const auto found = kept.find(port); found != kept.end()) whose = found->second;
  if (controller && controller->at().port == port) whose = "the controller";
  if (port == 0 || whose.empty()) return "";
  return cat("port ", port, " is kept for ", whose, ", also while nobody listens there: listen on ",
             "another one, ", port_min, " to ", port_max);
}

std::string ProxyPermits::why_no_upstream(const std::string& host, std::uint16_t port) const {
  if (port != 0 && port == own.port && may_be_here(host)) {
    return cat(host, ":", port, " is this API itself, or may be: who comes through a proxy would ",
               "call as the agent. Another machine is named by its address in numbers");
  }
  if (any_upstream || is_in(upstreams_in, host)) return "";
  std::string name = lower(host);
  if (name.ends_with('.')) name.pop_back();
  const auto& names = upstream_names;
  if (std::find(names.begin(), names.end(), name) != names.end()) return "";
  return cat(host, " is not among the agent's `toxiproxy.upstreams`");
}

bool ProxyPermits::may_call(uid_t user) const {
  return any_user || user == 0 || user == ::geteuid() ||
         std::find(users.begin(), users.end(), user) != users.end();
}

}  // namespace panshi::agent
