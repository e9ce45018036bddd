// SPDX-License-Identifier: Apache-2.0
// OneAnswer: a server on loopback that says the same bytes to whoever connects and then closes, so
// that a real client of ours reads an answer of the fuzzer's. One thread of its own; ends with it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/check.h"

namespace panshi {

class OneAnswer {
 public:
  OneAnswer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    CHECK_BUG(::bind(listener_, reinterpret_cast<sockaddr*>(&here), size) == 0);
    CHECK_BUG(::listen(listener_, 16) == 0);
    CHECK_BUG(::getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size) == 0);
    port_ = ntohs(here.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }
  void say(std::string bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ = std::move(bytes);
  }

 private:
  void serve() {
    for (;;) {
      const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      std::string bytes;
      {
        const std::lock_guard lock(mutex_);
        bytes = bytes_;
      }
      (void)::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ::shutdown(peer, SHUT_WR);
      char dropped[4096];
      while (::recv(peer, dropped, sizeof dropped, 0) > 0) {
      }
      // No TIME_WAIT: there are thousands of these a second.
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ::close(peer);
    }
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::string bytes_;
  std::thread thread_;
};

}  // namespace panshi
