// SPDX-License-Identifier: Apache-2.0
#include "core/io/transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace panshi {
namespace {

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(int fd) : fd_(fd) {}

  Io read(std::span<char> into) override {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (got == 0) return {Outcome::kEnd};
    return io(got, Outcome::kWaitRead);
  }
  Io write(std::string_view bytes) override {
    return io(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT),
              Outcome::kWaitWrite);
  }
  void end() override { ::shutdown(fd_, SHUT_WR); }
  bool is_established() const override { return true; }
  const std::string& peer() const override { return peer_; }
  bool is_current() const override { return true; }

 private:
  static Io io(ssize_t done, Outcome wait) {
    if (done >= 0) return {Outcome::kDone, static_cast<std::size_t>(done)};
    return {errno == EAGAIN || errno == EINTR ? wait : Outcome::kBroken};
  }

  const int fd_;
  const std::string peer_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(int fd) { return std::make_unique<PlainTransport>(fd); }

}  // namespace panshi
