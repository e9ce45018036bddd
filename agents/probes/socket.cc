// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

Status system_error(std::string_view doing) {
  return fail(ErrorCode::kUnavailable, cat(doing, ": ", std::strerror(errno)));
}

}  // namespace

Status ProbeSocket::open(const ProbeTarget& target, ProbeKind::Way way) {
  target_ = &target;
  way_ = way;
  sent_ = false;
  answer_ = HttpAnswer();
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

std::optional<Status> ProbeSocket::advance() {
  if (way_ == ProbeKind::Way::kConnect) return see_connected();
  // No look whether it is connected before: send() says so too, and over loopback it is by now.
  // No look for an answer right after: a probe's cost is in its system calls.
  return sent_ ? read_answer() : send_request();
}

void ProbeSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::optional<Status> ProbeSocket::see_connected() const {
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

std::optional<Status> ProbeSocket::send_request() {
  const std::string request = http_get(cat(target_->host, ":", target_->port), target_->path);
  const ssize_t sent = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno == EAGAIN || errno == EINTR) return std::nullopt;
    return system_error(errno == EPIPE ? "send" : "connect");
  }
  // A fresh connection takes a few hundred bytes whole; if not, its buffers are not of this world.
  if (static_cast<std::size_t>(sent) < request.size()) {
    return fail(ErrorCode::kUnavailable, "send: request was cut");
  }
  sent_ = true;
  return std::nullopt;
}

std::optional<Status> ProbeSocket::read_answer() {
  std::array<char, 16 * 1024> bytes;
  for (;;) {
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) return std::nullopt;
      return system_error("receive");
    }
    const HttpAnswer::State state =
        got == 0 ? answer_.closed()
                 : answer_.take(std::string_view(bytes.data(), static_cast<std::size_t>(got)));
    if (state == HttpAnswer::State::kMore) continue;
    if (state == HttpAnswer::State::kBroken) return fail(ErrorCode::kUnavailable, answer_.why());
    if (answer_.status() < 200 || answer_.status() > 299) {
      return fail(ErrorCode::kUnavailable, cat("HTTP ", answer_.status()));
    }
    return Status();
  }
}

}  // namespace panshi::agent
