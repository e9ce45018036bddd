// SPDX-License-Identifier: Apache-2.0
// HttpServer: routes HTTP requests to handlers, for APIs of a few calls a second to some thousand.
//
// Guards (docs/decisions/0002): a path over 512 bytes, Range, chunked or encoded bodies, a body
// without Content-Length or over `body_max`, an Origin, or a Host that is not ours are refused
// before any handler runs (`lenient` takes some). With a token every route but the open ones wants
// "Authorization: Bearer <token>", compared in constant time.
// A known path with another method is 405; errors are {"code","error"}.
//
// Connections are kept (docs/decisions/0007). A client that is idle or sends slowly holds no
// thread. Requests behind one another on a connection are answered one by one, in order.
//
// Handlers run on the threads `http-*`, each for as long as it likes (a long poll holds one).
// `http-watch` closes what waits for too long, and reads while all of those are busy.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/tls.h"

namespace panshi {

struct HttpRequest {
  std::string method;
  std::string path;
  std::vector<std::string> captures;           // the {…} parts of the route, in order
  std::map<std::string, std::string> query;    // first value of each
  std::map<std::string, std::string> headers;  // names in lower case, first value of each
  std::string body;
  std::string remote_address;
  std::uint16_t remote_port = 0;
  std::string peer = {};                  // whom its certificate names, "node/n-1"; "" without one
  std::optional<std::uint32_t> uid = {};  // at Options::socket: whose process it is
  MonoTime arrived{};  // when its first byte was read: waiting for a thread counts

  std::string header(const std::string& lower_case_name) const {
    const auto found = headers.find(lower_case_name);
    return found == headers.end() ? std::string() : found->second;
  }
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers = {};
  std::vector<std::string> cookies = {};  // a Set-Cookie header each
};

HttpResponse json_response(const nlohmann::json& json, int status = 200);
// kInvalid 400, kNotFound 404, kConflict and kRefused 409, kUnavailable 503, kTimeout 504,
// everything else 500.
HttpResponse error_response(const Error& error);

class HttpReader;
struct HttpPeer;
struct HttpRules;
// HTTP by cpp-httplib.
std::unique_ptr<HttpReader> library_reader(const HttpRules& rules, HttpPeer peer);

class HttpServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: any free one
    unsigned threads = 4;
    std::size_t body_max = 1 << 20;
    std::string token = {};  // "": no token wanted
    // Who needs no token: roles of certificates, "controller".
    std::vector<std::string> trusted_roles = {};
    std::shared_ptr<Tls> tls = {};  // none: plain
    // A Unix socket beside the address, mode 0600: who may open it needs no token. "": none.
    std::filesystem::path socket = {};
    std::vector<std::string> allowed_hosts = {};         // besides the address itself and localhost
    Duration idle_timeout = std::chrono::seconds(15);    // of a connection, between requests
    Duration request_timeout = std::chrono::seconds(5);  // for a request to arrive whole
    unsigned requests_per_connection_max = 1'000;
    // What is refused before a handler runs, when not in our words.
    std::function<HttpResponse(int status, std::string_view why)> refusal = {};
    // For clients that were written for other servers: a POST without Content-Length has no body,
    // chunked bodies are read, a path has up to 2,048 bytes, and a {…} of a route matches any
    // segment, which is percent-decoded.
    bool lenient = false;
    // And at most half of the process's descriptors.
    std::size_t connections_max = 4'096;  // beyond: what waited longest for its client is closed
    // Who reads requests and writes answers (core/io/http_reader.h); the shop has one of its own.
    std::unique_ptr<HttpReader> (*reader)(const HttpRules& rules, HttpPeer peer) = library_reader;
  };
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  // Called in place of each route's handler, which it must call: measures, traces.
  using Around = std::function<HttpResponse(const HttpRequest& request, const std::string& pattern,
                                            const Handler& handler)>;

  explicit HttpServer(Options options);
  ~HttpServer();  // stops
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // REQUIRES: before start(). Pattern "/v1/faults/{id}/revert": {…} matches one is_id() segment.
  void route(std::string method, std::string pattern, Handler handler);
  void route_open(std::string method, std::string pattern, Handler handler);  // no token wanted

  // REQUIRES: before start(). Handlers' exceptions pass through it.
  void set_around(Around around);

  // kConflict "port taken" names address and port. On return it accepts connections.
  Status start();
  std::uint16_t port() const;
  // Refuses new requests, waits for running handlers (which must end by themselves).
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
