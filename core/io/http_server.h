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

// Who calls, as far as it is known.
struct HttpCaller {
  std::string who = {};      // "user/alice", "token ci"; "": nobody we know
  std::uint32_t rights = 0;  // a set, whose members the doorman knows
  bool limited = false;      // to fewer than its role has
};

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
  HttpCaller caller = {};                 // as the doorman says; for routes that are not open
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
  // The body is what was asked for, a token that was made: it is sent with what is never shown.
  bool tells_secret = false;
};

HttpResponse json_response(const nlohmann::json& json, int status = 200);
// kInvalid 400, kNotFound 404, kConflict and kRefused 409, kUnavailable 503, kTimeout 504,
// everything else 500.
HttpResponse error_response(const Error& error);

// Stands between callers and handlers: says who calls, and hears of what was refused and of what is
// about to be changed. Any thread; not for long.
class HttpDoorman {
 public:
  virtual ~HttpDoorman() = default;
  // Of a head without its body. `one_credential`: it has exactly one Authorization header.
  virtual HttpCaller identify(const HttpRequest& head, bool one_credential) const = 0;
  // Why `caller`, whom we know, may not do what wants `rights`, and who may.
  virtual std::string lacks(const HttpCaller& caller, std::uint32_t rights) const = 0;
  // Also after on_change(), of what the handler turned down.
  virtual void on_refused(const HttpRequest& head, const HttpResponse& answer) = 0;
  // Before a handler of a route that is noted. An error: it is not called.
  virtual Status on_change(const HttpRequest& request, std::uint32_t rights) = 0;
};

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
    std::string token = {};                     // "": no token wanted
    std::shared_ptr<HttpDoorman> doorman = {};  // in place of the token
    std::shared_ptr<Tls> tls = {};              // none: plain
    // Addresses of proxies, whose connections each begin with a PROXY header; not over TLS.
    std::vector<std::string> proxies = {};
    // A Unix socket beside the address, mode 0600: who may open it needs no token, and the doorman
    // hears whose process it is. "": none.
    std::filesystem::path socket = {};
    bool may_be_late = false;                            // when the port is taken: see start()
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

  // What a route wants of its caller, where there is a doorman.
  struct Needs {
    std::uint32_t rights = ~std::uint32_t{0};
    bool noted = true;  // before it is handled, if its method may change something
  };
  // REQUIRES: before start(). Pattern "/v1/faults/{id}/revert": {…} matches one is_id() segment.
  void route(std::string method, std::string pattern, Handler handler, Needs needs);
  void route(std::string method, std::string pattern, Handler handler) {
    route(std::move(method), std::move(pattern), std::move(handler), Needs());
  }
  void route_open(std::string method, std::string pattern, Handler handler);  // no token wanted

  // REQUIRES: before start(). Handlers' exceptions pass through it.
  void set_around(Around around);

  // kConflict "port taken" names address and port. On return it accepts connections. Of one that
  // `may_be_late` it serves at `socket` then, and start() may be called again.
  Status start();
  std::uint16_t port() const;
  // Refuses new requests, waits for running handlers (which must end by themselves).
  void stop();

  // Every route that is not open, for whoever checks the whole table.
  struct RouteNeeds {
    std::string method;
    std::string pattern;
    Needs needs;
  };
  std::vector<RouteNeeds> needs() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
