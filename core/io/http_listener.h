// SPDX-License-Identifier: Apache-2.0
// The listening socket of HttpServer: close-on-exec, a real backlog, no SO_REUSEPORT (with which a
// second server on the same port would not be noticed), no delay for small answers.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "core/io/http_reader.h"

namespace panshi {

struct HttpListener {
  int fd = -1;
  std::uint16_t port = 0;  // the real one
};
// kConflict: the port is taken. Not blocking; the caller closes it.
Result<HttpListener> http_listen(const std::string& address, std::uint16_t port);

struct HttpAccepted {
  int fd = -1;  // -1: nobody is there, or errno says why not
  HttpPeer peer;
};
HttpAccepted http_accept(int listener);

}  // namespace panshi
