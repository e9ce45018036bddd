// SPDX-License-Identifier: Apache-2.0
#include "tests/support/raw_connection.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace panshi {
namespace {

bool over_tls = false;

SSL_CTX* believes_anybody() {
  static SSL_CTX* const kContext = SSL_CTX_new(TLS_client_method());
  return kContext;
}

}  // namespace

struct RawConnection::Session {
  SSL* ssl = SSL_new(believes_anybody());
  ~Session() { SSL_free(ssl); }
};

void RawConnection::speak_tls(bool on) {
  over_tls = on;
  std::signal(SIGPIPE, SIG_IGN);  // which OpenSSL raises
}

RawConnection::RawConnection(std::uint16_t port, const std::string& address,
                             const std::string& from)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience = {10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (!from.empty()) {
    sockaddr_in ours = {};
    ours.sin_family = AF_INET;
    ::inet_pton(AF_INET, from.c_str(), &ours.sin_addr);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&ours), sizeof ours) != 0) return;
  }
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  if (!connected_ || !over_tls) return;
  session_ = std::make_unique<Session>();
  SSL_set_fd(session_->ssl, fd_);
  connected_ = SSL_connect(session_->ssl) == 1;
}

RawConnection::~RawConnection() { ::close(fd_); }

bool RawConnection::send(const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const std::size_t part = std::min<std::size_t>(64 << 10, bytes.size() - sent);
    const auto size = session_
                          ? SSL_write(session_->ssl, bytes.data() + sent, static_cast<int>(part))
                          : ::send(fd_, bytes.data() + sent, part, MSG_NOSIGNAL);
    if (size <= 0) return false;
    sent += static_cast<std::size_t>(size);
  }
  return true;
}

void RawConnection::end() {
  if (session_) (void)SSL_shutdown(session_->ssl);
  ::shutdown(fd_, SHUT_WR);
}

bool RawConnection::receive() {
  std::array<char, 4096> buffer;
  const ssize_t got = session_ ? SSL_read(session_->ssl, buffer.data(), buffer.size())
                               : ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got > 0) read_.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

std::string RawConnection::answer(bool head_only) {
  while (read_.find("\r\n\r\n") == std::string::npos) {
    if (!receive()) return std::exchange(read_, {});
  }
  std::size_t size = read_.find("\r\n\r\n") + 4;
  const auto length = read_.find("Content-Length: ");
  if (!head_only && length < size) size += std::stoul(read_.substr(length + 16));
  while (read_.size() < size) {
    if (!receive()) return std::exchange(read_, {});
  }
  std::string one = read_.substr(0, size);
  read_.erase(0, size);
  return one;
}

std::string RawConnection::rest() {
  while (receive()) {
  }
  return std::exchange(read_, {});
}

bool RawConnection::is_closed() {
  while (receive()) read_.clear();
  if (session_ && (SSL_get_shutdown(session_->ssl) & SSL_RECEIVED_SHUTDOWN) != 0) return true;
  std::array<char, 1> one;
  return ::recv(fd_, one.data(), one.size(), MSG_DONTWAIT) == 0 || errno != EAGAIN;
}

}  // namespace panshi
