// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

Status system_error(std::string_view doing) {
  return fail(ErrorCode::kUnavailable, cat(doing, ": ", std::strerror(errno)));
}

}  // namespace

Status ProbeSocket::open(const ProbeTarget& target) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return system_error("socket");
  // A run ends with a reset: hundreds of runs a second would else fill the table of ports with
  // connections in TIME_WAIT.
  const linger reset{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(target.port);
  ::inet_pton(AF_INET, target.host.c_str(), &to.sin_addr);
  sockaddr generic{};
  static_assert(sizeof generic == sizeof to);
  std::memcpy(&generic, &to, sizeof to);
  if (::connect(fd_, &generic, sizeof generic) == 0 || errno == EINPROGRESS) return {};
  return system_error("connect");
}

void ProbeSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::optional<Status> ProbeSocket::connected() const {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    errno = error;
    return system_error("connect");
  }
  tcp_info info{};
  size = sizeof info;
  ::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size);
  if (info.tcpi_state == TCP_SYN_SENT || info.tcpi_state == TCP_SYN_RECV) return std::nullopt;
  return Status();
}

}  // namespace panshi::agent
