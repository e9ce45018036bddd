// SPDX-License-Identifier: Apache-2.0
// Addresses as the configuration writes them.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace panshi::agent {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
// "host:port", IPv4 or a name; kInvalid says what was expected.
Result<HostPort> parse_host_port(const std::string& text);
bool is_ipv4(const std::string& host);
// "10.0.0.1", "::1": whether this machine has that address now.
bool is_own_address(const std::string& address);

}  // namespace panshi::agent
