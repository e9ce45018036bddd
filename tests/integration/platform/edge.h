// SPDX-License-Identifier: Apache-2.0
// Edge: a real gateway between the test and two upstreams that the test plays.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/io/http_server.h"
#include "tests/support/child.h"
#include "tests/support/temporary_folder.h"

namespace panshi {

class Edge {
 public:
  // `lines` are added to the gateway's configuration.
  explicit Edge(const std::string& lines = "");

  // What the upstreams answer from now on; both say yes at first. May block.
  void orders_answer(HttpServer::Handler handler);
  void payments_answer(HttpServer::Handler handler);
  int calls() const { return calls_; }  // that reached an upstream

  // A second gateway on the same upstreams.
  std::uint16_t start_gateway(const std::string& lines);

  // Sends `head` ("GET /x HTTP/1.1\nX-Y: z", no Host) and `body`, with its length, as they are, and
  // the session of the user that they name (else "u"), unless `signs` was set to false.
  std::string send(const std::string& head, const std::string& body = "", std::uint16_t port = 0);
  std::string place(const std::string& key, const std::string& user = "u",
                    const std::string& headers = "");
  // Through a proxy at kProxy, which says that the customer is at `customer`.
  static constexpr const char* kProxy = "127.0.0.8";
  std::string place_through(const std::string& customer, const std::string& key,
                            const std::string& headers = "");
  std::string pay(const std::string& order, const std::string& user = "u",
                  const std::string& headers = "");
  std::string look(const std::string& order, const std::string& headers = "",
                   std::uint16_t port = 0);
  nlohmann::json status(std::uint16_t port = 0);
  bool signs = true;
  std::uint16_t port() const { return port_; }

 private:
  HttpResponse answer(const HttpRequest& request, const HttpServer::Handler& handler);

  std::mutex mutex_;
  HttpServer::Handler orders_answer_, payments_answer_;
  std::atomic<int> calls_ = 0;
  HttpServer orders_{{.threads = 40}};
  HttpServer payments_{{.threads = 40}};
  TemporaryFolder folder_;
  std::map<std::uint16_t, std::unique_ptr<Child>> gateways_;
  std::map<std::uint16_t, std::uint16_t> ops_;  // where a gateway tells its status
  std::uint16_t port_ = 0;
};

// The value of a header in a raw answer, or "".
std::string header_in(const std::string& answer, const std::string& name);

}  // namespace panshi
