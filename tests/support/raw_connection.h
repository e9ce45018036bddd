// SPDX-License-Identifier: Apache-2.0
// RawConnection: a TCP connection of a test's own, which sends and reads bytes as it likes, as they
// are or under TLS.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace panshi {

class RawConnection {
 public:
  // Of all that are made from now on: shakes hands at once, and believes anybody.
  static void speak_tls(bool on);

  // `from`: of this machine's addresses, "" for any.
  explicit RawConnection(std::uint16_t port, const std::string& address = "127.0.0.1",
                         const std::string& from = "");
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return connected_; }
  bool send(const std::string& bytes);  // false: the other end has gone
  void end();                           // no more will be sent
  // One whole answer, by its Content-Length; what has come when the other end closes.
  std::string answer(bool head_only = false);
  bool is_closed();    // waits for the other end to close, at most ten seconds; drops what it sends
  std::string rest();  // what comes until then

 private:
  struct Session;

  bool receive();
  int fd_;
  std::unique_ptr<Session> session_;  // with TLS
  bool connected_ = false;
  std::string read_;
};

}  // namespace panshi
