// SPDX-License-Identifier: Apache-2.0
// The paths of Toxiproxy's API: which call answers what, with which status and body.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/io/http_server.h"

namespace panshi::agent::toxiproxy {

class ProxyBook;

// Listening on return. `address` is a loopback one: clients of this API send no token.
// `book` must outlive the server. kConflict: the port is taken.
// `doorman`, who may be null, hears of each change.
Result<std::unique_ptr<HttpServer>> serve(ProxyBook& book, const std::string& address,
                                          std::uint16_t port,
                                          std::shared_ptr<HttpDoorman> doorman = {});

}  // namespace panshi::agent::toxiproxy
