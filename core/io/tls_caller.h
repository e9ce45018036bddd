// SPDX-License-Identifier: Apache-2.0
// The calling side of TLS to a server that is none of ours, over a socket that is connected: for
// protocols that libcurl does not speak.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/io/transport.h"

namespace panshi {

struct TlsServer {
  std::string name;       // host name or address that its certificate must have
  std::string authority;  // PEM file of who signs it; "": the machine's list
};
// TLS 1.2 at least; `fd` stays the caller's. Hands are shaken by the first read() or write(). A
// server that is not believed is kBroken, its refusal() says why. kInvalid: no such authority.
Result<std::unique_ptr<Transport>> call_by_tls(int fd, const TlsServer& server);

}  // namespace panshi
