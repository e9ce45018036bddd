// SPDX-License-Identifier: Apache-2.0
// TlsSocket: a socket as OpenSSL reads and writes it: never blocks, and raises no SIGPIPE; and the
// turns of a session over one. For tls.cc and tls_caller.cc alone.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>

#include "core/io/openssl.h"
#include "core/io/transport.h"

namespace panshi::openssl {

struct TlsSocket {
  int fd;                  // not ours
  std::string ahead = {};  // the first bytes, where they have been read
  std::size_t taken = 0;   // of `ahead`
};

bool is_passing(ssize_t done);  // nothing yet, or interrupted: errno says so
// A BIO of `socket`, which must outlive it; owned by the session it is given to.
BIO* bio_of(TlsSocket& socket);

// One read or write of a session. After kBroken OpenSSL's queue says why: whoever looks at it
// clears it.
struct TlsTurn {
  Transport::Io io;
  int error = SSL_ERROR_NONE;  // as SSL_get_error(3)
};
TlsTurn read_some(SSL* session, std::span<char> into);
TlsTurn write_some(SSL* session, std::string_view from);
// Says good-bye; what does not fit into the socket is not owed.
void end_session(SSL* session);

}  // namespace panshi::openssl
