// SPDX-License-Identifier: Apache-2.0
// OneAnswer: a server on loopback that says the same bytes to whoever connects and then closes, so
// that a real client of ours reads an answer of the fuzzer's. One thread of its own; ends with it.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/check.h"
#include "tests/support/loopback_listener.h"

namespace panshi {

class OneAnswer {
 public:
  OneAnswer() {
    CHECK_BUG(listener_.port != 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    listener_.stop();
    thread_.join();
  }
  std::uint16_t port() const { return listener_.port; }
  void say(std::string bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ = std::move(bytes);
  }

 private:
  void serve() {
    for (;;) {
      const int peer = listener_.accept();
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

  const LoopbackListener listener_;
  std::mutex mutex_;
  std::string bytes_;
  std::thread thread_;
};

}  // namespace panshi
