// SPDX-License-Identifier: Apache-2.0
// The listening sockets of HttpServer: close-on-exec, a real backlog, no SO_REUSEPORT (with which a
// second server on the same port would not be noticed), no delay for small answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/base/result.h"
#include "core/io/http_reader.h"

namespace panshi {

struct HttpListener {
  int fd = -1;
  std::uint16_t port = 0;  // the real one; 0: a Unix socket
};
// kConflict: the port is taken. Not blocking; the caller closes it, as all here.
Result<HttpListener> http_listen(const std::string& address, std::uint16_t port);

// At a Unix socket, which is made; for processes of this user and of root.
Result<HttpListener> http_listen_local(const std::filesystem::path& file);

struct HttpAccepted {
  int fd = -1;  // -1: nobody is there, or errno says why not
  HttpPeer peer;
};
// Whoever is at a Unix socket and may not be is turned away (fd -1, errno EPERM).
HttpAccepted http_accept(const HttpListener& listener);

}  // namespace panshi
