// SPDX-License-Identifier: Apache-2.0
// Toxiproxy's API on a port of its own, and calls of it.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "agents/links/link_table.h"
#include "agents/toxiproxy/proxy_book.h"
#include "agents/toxiproxy/routes.h"
#include "core/base/text.h"
#include "core/io/http_server.h"
#include "tests/integration/agents/links/sockets.h"
#include "tests/support/raw_http.h"

namespace panshi::agent::toxiproxy {

using nlohmann::json;

struct Reply {
  int status = 0;
  std::string head;
  std::string body;
  json value() const { return json::parse(body); }
  bool has(const std::string& line) const { return head.find(line) != std::string::npos; }
};

struct Proxies {
  explicit Proxies(Names::Resolve resolve = {}, ProxyPermits permits = ProxyPermits::everything())
      : links(*LinkTable::create({.resolve = std::move(resolve)})),
        book(*links, std::move(permits)),
        server(*serve(book, test::kHost, 0)) {}

  Reply call(const std::string& method, const std::string& path, const std::string& body = "",
             const std::string& more = "") {
    const std::string length =
        body.empty() && method != "POST" ? "" : cat("Content-Length: ", body.size(), "\r\n");
    const std::string text = raw_http(server->port(),
                                      cat(method, " ", path, " HTTP/1.1\r\nHost: ", test::kHost,
                                          "\r\nConnection: close\r\n", more, length, "\r\n", body),
                                      test::kHost);
    const auto end = text.find("\r\n\r\n");
    // Not a check: it is called from other threads, too.
    if (end == std::string::npos) throw std::runtime_error("no answer: " + text);
    return {raw_status(text), text.substr(0, end + 2), text.substr(end + 4)};
  }
  // A proxy to `upstream`; its port.
  std::uint16_t proxy(const std::string& name, const std::string& upstream) {
    const json body{{"name", name}, {"listen", cat(test::kHost, ":0")}, {"upstream", upstream}};
    const Reply reply = call("POST", "/proxies", body.dump());
    REQUIRE(reply.status == 201);
    return port_of(reply.value());
  }
  static std::uint16_t port_of(const json& proxy) {
    const std::string listen = proxy.at("listen");
    return static_cast<std::uint16_t>(std::stoi(listen.substr(listen.rfind(':') + 1)));
  }

  std::unique_ptr<LinkTable> links;
  ProxyBook book;
  std::unique_ptr<HttpServer> server;
};

}  // namespace panshi::agent::toxiproxy
