// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol, versions 1 and 2: how a connection that comes through a proxy says in its
// first bytes whose it is (haproxy.org/download/2.8/doc/proxy-protocol.txt).
//
// Pure. Read and believe it from peers alone that are known to send it: anybody can write one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace panshi {

struct ProxyEnd {
  std::string address;  // IPv4 or IPv6 in numbers
  std::uint16_t port = 0;
  bool operator==(const ProxyEnd&) const = default;
};
struct ProxyOrigin {
  ProxyEnd source;
  ProxyEnd destination;
  bool operator==(const ProxyOrigin&) const = default;
};

// The header; without an origin: of a connection of the proxy's own. REQUIRES: version 1 or 2; both
// addresses of one family.
std::string proxy_header(int version, const std::optional<ProxyOrigin>& origin);

constexpr std::size_t kProxyHeaderMax = 16 + 512;  // of version 2, with what else it says
struct ProxyHeader {
  std::size_t size = 0;  // bytes of it; what the connection itself says begins there
  // None: a connection of the proxy's own (LOCAL), or of a kind that is not told (UNKNOWN).
  std::optional<ProxyOrigin> origin;
};
// None: more bytes are wanted. kInvalid: there is no header, or it is longer than kProxyHeaderMax.
Result<std::optional<ProxyHeader>> read_proxy_header(std::string_view bytes);

}  // namespace panshi
