// SPDX-License-Identifier: Apache-2.0
#include "agents/links/socket.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr int kBacklog = 4096;  // the kernel caps it at net.core.somaxconn
// By when a client that is gone has answered no probe: the kernel forgets it after 60 s.
constexpr int kIdleSeconds = 60;
constexpr int kProbeSeconds = 10;
constexpr int kProbes = 5;

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

void set_option(int fd, int level, int name, int value) {
  // These options cannot fail on a TCP socket, and a stream without them still works.
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

Result<Fd> try_bind(const Address& address) {
  Fd fd(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(ErrorCode::kInternal, errno_text("socket"));
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  prepare_stream(fd.get());  // what it accepts inherits this
  if (address.bytes.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.bytes);
    const bool any = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, any ? 0 : 1);
  }
  if (::bind(fd.get(), address.get(), address.size) != 0) {
    const auto code = errno == EADDRINUSE ? ErrorCode::kConflict : ErrorCode::kInvalid;
    return fail(code, errno_text("listen on " + address_text(address)));
  }
  return fd;
}

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string errno_text(std::string_view doing) {
  return cat(doing, ": ", std::string(std::strerror(errno)));
}

Result<Address> parse_address(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorCode::kInvalid, cat("`", text, "` is not an address like 127.0.0.1:80"));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  const auto port = parse_port(text.substr(colon + 1));
  std::string host(text.substr(0, colon));
  if (!port) return wrong();
  Address address;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.bytes);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(*port);
    address.size = sizeof *v6;
    host = host.substr(1, host.size() - 2);
    if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) != 1) return wrong();
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.bytes);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(*port);
    address.size = sizeof *v4;
    if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) != 1) return wrong();
  }
  return address;
}

std::string address_text(const Address& address) {
  char host[INET6_ADDRSTRLEN] = "?";
  if (address.bytes.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.bytes);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    return cat("[", std::string(host), "]:", ntohs(v6->sin6_port));
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.bytes);
  ::inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
  return cat(std::string(host), ":", ntohs(v4->sin_port));
}

std::uint16_t port_of(const Address& address) {
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.bytes);
  return ntohs(v6->sin6_port);  // at the same place in sockaddr_in
}

Address with_port(Address address, std::uint16_t port) {
  reinterpret_cast<sockaddr_in6*>(&address.bytes)->sin6_port = htons(port);
  return address;
}

SocketsOf::SocketsOf(std::optional<uid_t> account)
    : changed_(account && *account != 0 && ::geteuid() == 0) {
  // A new socket's owner is the file system user of the thread that makes it (credentials(7)).
  if (changed_) ::setfsuid(*account);
}
SocketsOf::~SocketsOf() {
  if (changed_) ::setfsuid(0);
}

Result<Fd> bound_to(Address& address) {
  ASSIGN_OR_RETURN(Fd fd, try_bind(address));
  Address real = address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&real.bytes), &real.size) != 0) {
    return fail(ErrorCode::kInternal, errno_text("getsockname"));
  }
  if (address_text(real) != address_text(address)) {
    // The kernel keeps a port for a socket that stops listening only if it was bound by number.
    address = real;
    fd.reset();
    ASSIGN_OR_RETURN(fd, try_bind(address));
  }
  return fd;
}

Status stop_listening(int fd) {
  if (::shutdown(fd, SHUT_RDWR) != 0) return fail(ErrorCode::kInternal, errno_text("shutdown"));
  return {};
}

Status start_listening(int fd) {
  if (::listen(fd, kBacklog) == 0) return {};
  return fail(errno == EADDRINUSE ? ErrorCode::kConflict : ErrorCode::kInternal,
              errno_text("listen"));
}

Result<Fd> start_connect(const Address& address, const Address* from) {
  Fd fd(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(ErrorCode::kInternal, errno_text("socket"));
  prepare_stream(fd.get());
  if (from != nullptr && from->bytes.ss_family == address.bytes.ss_family) {
    set_option(fd.get(), SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);  // chosen when the other end is known
    if (::bind(fd.get(), from->get(), from->size) != 0) {
      return fail(ErrorCode::kUnavailable, errno_text("bind " + address_text(*from)));
    }
  }
  if (::connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) {
    return fail(ErrorCode::kUnavailable, errno_text("connect to " + address_text(address)));
  }
  return fd;
}

Address local_end(int fd) {
  Address address;
  address.size = sizeof address.bytes;
  auto* const bytes = reinterpret_cast<sockaddr*>(&address.bytes);
  if (::getsockname(fd, bytes, &address.size) != 0) return {};
  return address;
}

ProxyEnd proxy_end(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.bytes.ss_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(&address.bytes);
    ::inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
  } else if (address.bytes.ss_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&address.bytes);
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
      ::inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &six->sin6_addr, text.data(), text.size());
    }
  }
  return {text.data(), port_of(address)};
}

int socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

void prepare_stream(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kProbeSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

int unacknowledged(int fd) {
  int bytes = 0;
  return ::ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

void close_with_reset(Fd& fd) {
  if (!fd) return;
  const linger now{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd.reset();
}

}  // namespace panshi::agent
