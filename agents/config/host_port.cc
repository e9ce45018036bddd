// SPDX-License-Identifier: Apache-2.0
#include "agents/config/host_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

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

bool is_own_address(const std::string& address) {
  sockaddr_in four{};
  sockaddr_in6 six{};
  four.sin_family = AF_INET;
  six.sin6_family = AF_INET6;
  const bool is_six = inet_pton(AF_INET6, address.c_str(), &six.sin6_addr) == 1;
  if (!is_six && inet_pton(AF_INET, address.c_str(), &four.sin_addr) != 1) return false;
  const int probe = ::socket(is_six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  sockaddr generic[2]{};  // room for either
  const std::size_t size = is_six ? sizeof six : sizeof four;
  std::memcpy(generic, is_six ? static_cast<void*>(&six) : static_cast<void*>(&four), size);
  const bool own = ::bind(probe, generic, static_cast<socklen_t>(size)) == 0;
  ::close(probe);
  return own;
}

}  // namespace panshi::agent
