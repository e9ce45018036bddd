// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/text.h"
#include "core/io/local_socket.h"
#include "core/io/socket_end.h"

namespace panshi {
namespace {

constexpr int kBacklog = 4'096;  // as many as the kernel allows by default

bool listen_on(int fd, const addrinfo& at) {
  const int on = 1;
  // Accepted sockets inherit TCP_NODELAY.
  return fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
         ::bind(fd, at.ai_addr, at.ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0;
}

}  // namespace

Result<HttpListener> http_listen(const std::string& address, std::uint16_t port) {
  const std::string place = address.find(':') == std::string::npos ? cat(address, ":", port)
                                                                   : cat("[", address, "]:", port);
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &wanted, &list) != 0) {
    return fail(ErrorCode::kInvalid, cat(address, " is not an address to listen on"));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> found(list, freeaddrinfo);
  HttpListener listener;
  listener.fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_storage bound = {};
  socklen_t size = sizeof bound;
  if (!listen_on(listener.fd, *found) ||
      ::getsockname(listener.fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    const int problem = errno;
    if (listener.fd >= 0) ::close(listener.fd);
    if (problem == EADDRINUSE) return fail(ErrorCode::kConflict, cat(place, " is taken"));
    return fail(ErrorCode::kUnavailable, cat("listen on ", place, ": ", std::strerror(problem)));
  }
  // The port is at the same place in both families.
  listener.port = ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
  return listener;
}

Result<HttpListener> http_listen_local(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const int fd, listen_local(file));
  return HttpListener{fd, 0};
}

namespace {

HttpAccepted accept_local(int listener) {
  HttpAccepted accepted;
  accepted.fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (accepted.fd < 0) return accepted;
  accepted.peer.address = "localhost";
  accepted.peer.uid = uid_of_peer(accepted.fd);
  // The mode of the file says so, too; it may have been changed.
  if (accepted.peer.uid && (*accepted.peer.uid == 0 || *accepted.peer.uid == ::geteuid())) {
    return accepted;
  }
  ::close(std::exchange(accepted.fd, -1));
  errno = EPERM;
  return accepted;
}

}  // namespace

HttpAccepted http_accept(const HttpListener& listener) {
  if (listener.port == 0) return accept_local(listener.fd);
  sockaddr_storage from = {};
  socklen_t size = sizeof from;
  auto* const address = reinterpret_cast<sockaddr*>(&from);
  HttpAccepted accepted;
  accepted.fd = ::accept4(listener.fd, address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (accepted.fd < 0) return accepted;
  TcpEnd peer = socket_end(from);
  accepted.peer.address = std::move(peer.address);
  accepted.peer.port = peer.port;
  return accepted;
}

}  // namespace panshi
