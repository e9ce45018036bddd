// SPDX-License-Identifier: Apache-2.0
// Blocking sockets with a time limit, and servers on threads, for the tests of links.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/text.h"

namespace panshi::test {

constexpr const char* kHost = "127.103.0.1";

class Socket {
 public:
  // `error`: errno of what kept it from being one; whoever reads is told.
  explicit Socket(int fd = -1, int error = EBADF) : fd_(fd), error_(error) {
    if (fd_ < 0) return;
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const int one = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), error_(other.error_) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(error_, other.error_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // What came: at most `size` bytes; "" at the end of file; "error N" with errno on an error.
  std::string receive(std::size_t size = 65536) const {
    if (fd_ < 0) return cat("error ", error_);
    std::string text(size, '\0');
    const ssize_t got = ::recv(fd_, text.data(), size, 0);
    if (got < 0) return cat("error ", errno);
    text.resize(static_cast<std::size_t>(got));
    return text;
  }
  std::string receive_exactly(std::size_t size) const {
    std::string all;
    while (all.size() < size) {
      const std::string part = receive(size - all.size());
      all += part;
      if (part.empty() || part.starts_with("error ")) break;
    }
    return all;
  }
  void finish_sending() const { ::shutdown(fd_, SHUT_WR); }
  bool has_input(int within_ms) const {
    pollfd poll{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, within_ms) > 0;
  }

 private:
  int fd_;
  int error_;
};

inline sockaddr_in address_of(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, kHost, &address.sin_addr);
  return address;
}

// From another of this machine's addresses.
inline Socket connect_from(const char* source, std::uint16_t port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in from{};
  from.sin_family = AF_INET;
  ::inet_pton(AF_INET, source, &from.sin_addr);
  const sockaddr_in to = address_of(port);
  const bool done =
      ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
      ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  return done ? std::move(socket) : Socket();
}

// `error`, when given, receives errno.
inline Socket connect_to(std::uint16_t port, int* error = nullptr) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = address_of(port);
  const int rc =
      ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int why = rc == 0 ? 0 : errno;  // also a reset that came before this program ran again
  if (error != nullptr) *error = why;
  return rc == 0 ? std::move(socket) : Socket(-1, why);
}

// Serves each connection on a thread of its own.
class Server {
 public:
  using Serve = std::function<void(Socket&)>;
  explicit Server(Serve serve, std::uint16_t port = 0) : serve_(std::move(serve)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = address_of(port);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(fd_, 4096);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~Server() {
    ::shutdown(fd_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : clients_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& worker : workers_) worker.join();
    ::close(fd_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  std::uint16_t port() const { return port_; }
  std::string address() const { return cat(kHost, ":", port_); }
  int served() const { return served_; }

 private:
  void accept_all() {
    for (;;) {
      const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++served_;
      {
        const std::lock_guard lock(mutex_);
        clients_.push_back(fd);
      }
      workers_.emplace_back([this, fd] {
        Socket socket(fd);
        serve_(socket);
        const std::lock_guard lock(mutex_);
        std::erase(clients_, fd);
      });
    }
  }

  Serve serve_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> served_ = 0;
  std::mutex mutex_;
  std::vector<int> clients_;
  std::vector<std::thread> workers_;
  std::thread acceptor_;
};

}  // namespace panshi::test
