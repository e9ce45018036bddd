// SPDX-License-Identifier: Apache-2.0
// HttpGuard: everything that is refused before the body of a request is read (decision 0002).
//
// Pure; made once, then read by any thread. For core/io's server and its tests only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/io/http_rules.h"
#include "core/io/http_server.h"

namespace panshi {

// What is looked at. `request` has no body, captures or time yet.
struct HttpHead {
  HttpRequest request;
  std::size_t target_bytes = 0;
  std::vector<std::string> repeated = {};  // names of headers that came more than once
  bool keep_alive = false;
  bool expects_continue = false;

  std::size_t count(const std::string& lower_case_name) const;  // 0, 1, or 2 for more
};

// The path stays as it was sent, not decoded. The first value of each name of the query counts.
void split_http_target(std::string_view target, HttpRequest& request);

HttpResponse http_refusal(int status, ErrorCode code, std::string_view why);
// Says no more than the status does. In the words of the options, if they have any, as all here.
HttpResponse bare_http_refusal(const HttpServer::Options& options, int status);
HttpResponse http_refusal(const HttpServer::Options& options, const Error& error, int status);

class HttpGuard {
 public:
  static constexpr std::size_t kTargetBytesMax = 512;
  static constexpr std::size_t kLenientTargetBytesMax = 2048;

  explicit HttpGuard(const HttpServer::Options& options)
      : options_(options), paths_(options.lenient) {}
  // `rights`: what its caller must have; none: the route is open.
  void add(std::string method, const std::string& pattern, std::optional<std::uint32_t> rights);

  struct Verdict {
    std::optional<HttpResponse> refusal = {};
    bool framing_is_sure = false;  // where the next request begins is known in spite of it
    HttpRoutes::Match match = {};  // when there is no refusal
  };
  // Also says in `head` who calls.
  Verdict check(HttpHead& head) const;

 private:
  Verdict judge(HttpHead& head) const;
  std::optional<HttpResponse> check_host(const HttpHead& head) const;
  std::optional<HttpResponse> check_body(const HttpHead& head) const;
  std::optional<HttpResponse> check_caller(HttpHead& head, const HttpRoutes::Match& match) const;
  std::optional<HttpResponse> check_route(const HttpRoutes::Match& match) const;
  HttpResponse refuse(int status, ErrorCode code, std::string why) const {
    return http_refusal(options_, {code, std::move(why)}, status);
  }
  bool has_token(const HttpHead& head) const;

  const HttpServer::Options& options_;
  HttpRoutes paths_;
  std::vector<std::optional<std::uint32_t>> rights_;  // of each route
};

}  // namespace panshi
