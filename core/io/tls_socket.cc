// SPDX-License-Identifier: Apache-2.0
#include "core/io/tls_socket.h"

#include <sys/socket.h>

#include <cerrno>

#include "core/base/check.h"

namespace panshi::openssl {
namespace {

TlsSocket& socket_of(BIO* bio) { return *static_cast<TlsSocket*>(BIO_get_data(bio)); }

int send_quietly(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent =
      ::send(socket_of(bio).fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (is_passing(sent)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int receive(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  TlsSocket& socket = socket_of(bio);
  if (socket.taken < socket.ahead.size()) {
    const std::size_t bytes = socket.ahead.copy(into, static_cast<std::size_t>(size), socket.taken);
    socket.taken += bytes;
    return static_cast<int>(bytes);
  }
  const ssize_t got = ::recv(socket.fd, into, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (is_passing(got)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

TlsTurn turn_of(SSL* session, int done, std::size_t bytes) {
  using Outcome = Transport::Outcome;
  if (done == 1) return {{Outcome::kDone, bytes}};
  const int error = SSL_get_error(session, done);
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return {{Outcome::kWaitRead}, error};
    case SSL_ERROR_WANT_WRITE:
      return {{Outcome::kWaitWrite}, error};
    case SSL_ERROR_ZERO_RETURN:
      return {{Outcome::kEnd}, error};
    default:
      return {{Outcome::kBroken}, error};
  }
}

}  // namespace

TlsTurn read_some(SSL* session, std::span<char> into) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int done = SSL_read_ex(session, into.data(), into.size(), &bytes);
  return turn_of(session, done, bytes);
}

TlsTurn write_some(SSL* session, std::string_view from) {
  ERR_clear_error();
  std::size_t bytes = 0;
  const int done = SSL_write_ex(session, from.data(), from.size(), &bytes);
  return turn_of(session, done, bytes);
}

void end_session(SSL* session) {
  ERR_clear_error();
  (void)SSL_shutdown(session);
  ERR_clear_error();
}

bool is_passing(ssize_t done) { return done < 0 && (errno == EAGAIN || errno == EINTR); }

BIO* bio_of(TlsSocket& socket) {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_write(method, send_quietly);
    BIO_meth_set_read(method, receive);
    BIO_meth_set_ctrl(
        method, [](BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1L : 0L; });
    return method;
  }();
  BIO* const bio = BIO_new(kMethod);
  CHECK_BUG(bio != nullptr);
  BIO_set_data(bio, &socket);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace panshi::openssl
