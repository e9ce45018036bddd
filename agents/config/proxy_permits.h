// SPDX-License-Identifier: Apache-2.0
// ProxyPermits: what clients of Toxiproxy's API may have the agent do. They send no token and the
// agent may be root, so whoever reaches the listener would otherwise bind any port, and reach any
// host, with the agent's rights. By default: root and the agent's own user, on loopback, on ports
// that nobody else is trusted at. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agents/config/fault_scope.h"
#include "agents/config/host_port.h"
#include "agents/config/ip_network.h"

namespace panshi::agent {

struct ProxyPermits {
  std::vector<IpNetwork> listen_in = loopback();
  // Of a proxy's own port; 0, which is any free one that is not kept, is always good.
  std::uint16_t port_min = 20'000;
  std::uint16_t port_max = 29'999;
  bool any_upstream = false;
  std::vector<IpNetwork> upstreams_in = loopback();
  std::vector<std::string> upstream_names = {"localhost"};  // as DNS compares them
  bool any_user = false;
  std::vector<uid_t> users = {};  // besides root and the agent's own
  std::size_t proxies_max = 2'000;
  std::size_t connections_max = 2'000;  // of one proxy; beyond: refused
  // Ports that are others', and whose: never a proxy's, at no address. Who comes there while nobody
  // listens would take the agent for them, as root's it is believed, and tell it a token.
  std::map<std::uint16_t, std::string> kept = {};
  std::shared_ptr<const ControllerPlace> controller = {};  // its port is kept, too; null: nowhere
  HostPort own = {};  // where this API itself listens; port 0: not known

  static std::vector<IpNetwork> loopback();
  static ProxyPermits everything();

  // "" when it may, else which key of the configuration says that it may not.
  // "127.0.0.1:80", "[::]:0".
  std::string why_no_listen(const std::string& numeric) const;
  std::string why_no_upstream(const std::string& host, std::uint16_t port = 0) const;
  std::string why_kept(std::uint16_t port) const;
  bool may_call(uid_t user) const;
};

}  // namespace panshi::agent
