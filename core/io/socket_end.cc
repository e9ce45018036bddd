// SPDX-License-Identifier: Apache-2.0
#include "core/io/socket_end.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>

namespace panshi {
namespace {

TcpEnd end_by(int fd, int (*name)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage at = {};
  socklen_t size = sizeof at;
  return name(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0 ? socket_end(at) : TcpEnd();
}

}  // namespace

TcpEnd socket_end(const sockaddr_storage& at) {
  const auto* const six = reinterpret_cast<const sockaddr_in6*>(&at);
  const void* const bytes =
      at.ss_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(&at)->sin_addr)
          : &six->sin6_addr;
  std::array<char, INET6_ADDRSTRLEN> text{};
  // The port is at the same place in both families.
  if (::inet_ntop(at.ss_family, bytes, text.data(), text.size()) == nullptr) return {};
  return {text.data(), ntohs(six->sin6_port)};
}

TcpEnd own_end(int fd) { return end_by(fd, ::getsockname); }
TcpEnd peer_end(int fd) { return end_by(fd, ::getpeername); }

}  // namespace panshi
