// SPDX-License-Identifier: Apache-2.0
#include "agents/config/host_port.h"

#include <arpa/inet.h>

#include <charconv>

#include "core/base/text.h"

namespace panshi::agent {

Result<HostPort> parse_host_port(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  unsigned port = 0;
  if (colon != std::string::npos && colon > 0) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
    if (parsed.ec != std::errc() || parsed.ptr != end) port = 0;
  }
  if (port == 0 || port > 65'535) {
    return fail(ErrorCode::kInvalid, cat("`", text, "` must be like 127.0.0.1:8080"));
  }
  return HostPort{text.substr(0, colon), static_cast<std::uint16_t>(port)};
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

}  // namespace panshi::agent
