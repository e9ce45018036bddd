// SPDX-License-Identifier: Apache-2.0
// Fd and the few socket calls that links need. Non-blocking, close-on-exec, numeric addresses only
// (names are looked up by names.h, on threads that may block).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/result.h"
#include "core/io/proxy_header.h"

namespace panshi::agent {

class Fd {  // owns a file descriptor
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }
  void reset();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

// A port that is ours and does not listen yet.
struct BoundPort {
  Address address;
  Fd fd;
};

std::string errno_text(std::string_view doing);  // "bind: Address already in use"

// "127.0.0.1:80" or "[::1]:80". kInvalid says what is wrong.
Result<Address> parse_address(std::string_view text);
std::string address_text(const Address& address);

std::uint16_t port_of(const Address& address);
Address with_port(Address address, std::uint16_t port);

// Whose sockets those are in the kernel's lists (/proc/net/tcp) that this thread makes or accepts
// while it lives: what is told to nobody but root must not be told to a port that root holds for
// somebody else. None, or not as root: as ever.
class SocketsOf {
 public:
  explicit SocketsOf(std::optional<uid_t> account);
  ~SocketsOf();
  SocketsOf(const SocketsOf&) = delete;
  SocketsOf& operator=(const SocketsOf&) = delete;

 private:
  bool changed_ = false;
};

// Bound, not yet listening; port 0 is replaced by a free one in `address`. An IPv6 wildcard takes
// IPv4 as well. kConflict: taken.
Result<Fd> bound_to(Address& address);
Status start_listening(int fd);  // also again, after stop_listening()
// The port then refuses connections, and those not accepted yet are reset; it stays ours.
Status stop_listening(int fd);

// Not yet connected: wait for EPOLLOUT and ask socket_error(). `from` null: any address of ours.
Result<Fd> start_connect(const Address& address, const Address* from = nullptr);
Address local_end(int fd);  // of a connection; of no family when it has none
// In numbers; IPv4 where IPv6 maps it.
ProxyEnd proxy_end(const Address& address);
int socket_error(int fd);  // SO_ERROR; 0 for none

// No delay, and a peer that is gone without a word is noticed within two minutes.
void prepare_stream(int fd);
int unacknowledged(int fd);  // bytes, and an end, that were sent and not yet taken by the peer
void close_with_reset(Fd& fd);

}  // namespace panshi::agent
