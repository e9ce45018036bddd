// SPDX-License-Identifier: Apache-2.0
// LoopbackListener: a socket that listens on a free port of 127.0.0.1, for tests that play a
// server.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

namespace panshi {

class LoopbackListener {
 public:
  // `port` stays 0 when it cannot be. `address`: another one of the network that the thread is in.
  explicit LoopbackListener(const char* address = "127.0.0.1", std::uint16_t at_port = 0) {
    sockaddr_in at{};
    at.sin_port = htons(at_port);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = ::inet_addr(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&at);
    socklen_t size = sizeof at;
    if (::bind(fd, generic, size) != 0 || ::listen(fd, 16) != 0) return;
    if (::getsockname(fd, generic, &size) == 0) port = ntohs(at.sin_port);
  }
  ~LoopbackListener() { ::close(fd); }
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;

  int accept() const { return ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC); }
  void stop() const { ::shutdown(fd, SHUT_RDWR); }  // whoever waits in accept() gets -1

  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port = 0;
};

}  // namespace panshi
