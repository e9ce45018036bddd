// SPDX-License-Identifier: Apache-2.0
// TlsSocket: a socket as OpenSSL reads and writes it: never blocks, and raises no SIGPIPE. For
// tls.cc and tls_caller.cc alone.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/io/openssl.h"

namespace panshi::openssl {

struct TlsSocket {
  int fd;                  // not ours
  std::string ahead = {};  // the first bytes, where they have been read
  std::size_t taken = 0;   // of `ahead`
};

bool is_passing(ssize_t done);  // nothing yet, or interrupted: errno says so
// A BIO of `socket`, which must outlive it; owned by the session it is given to.
BIO* bio_of(TlsSocket& socket);

}  // namespace panshi::openssl
