// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_guard.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi {
namespace {

const char* code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kOver:
      return "over";
    case ErrorCode::kRefused:
      return "refused";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace

std::size_t HttpHead::count(const std::string& name) const {
  if (!request.headers.contains(name)) return 0;
  return std::find(repeated.begin(), repeated.end(), name) == repeated.end() ? 1 : 2;
}

void split_http_target(std::string_view target, HttpRequest& request) {
  target = target.substr(0, target.find('#'));
  const auto mark = target.find('?');
  request.path = std::string(target.substr(0, mark));
  if (mark == std::string_view::npos) return;
  for (const std::string& pair : split(target.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    const std::string_view text = pair;
    const auto equals = text.find('=');
    const bool has_value = equals != std::string_view::npos;
    request.query.emplace(decode_query(text.substr(0, equals)),
                          has_value ? decode_query(text.substr(equals + 1)) : "");
  }
}

HttpResponse http_refusal(int status, ErrorCode code, std::string_view why) {
  return json_response({{"code", code_name(code)}, {"error", why}}, status);
}

HttpResponse http_refusal(const HttpServer::Options& options, const Error& error, int status) {
  if (options.refusal) return options.refusal(status, error.message);
  return http_refusal(status, error.code, error.message);
}

HttpResponse bare_http_refusal(const HttpServer::Options& options, int status) {
  Error error{ErrorCode::kInvalid, "malformed request"};
  if (status == 404) error = {ErrorCode::kNotFound, "no such path"};
  if (status == 413) error.message = cat("the body is over ", options.body_max, " bytes");
  if (status >= 500) error = {ErrorCode::kInternal, "the server failed"};
  return http_refusal(options, error, status);
}

void HttpGuard::add(std::string method, const std::string& pattern,
                    std::optional<std::uint32_t> rights) {
  CHECK_BUG(paths_.add(std::move(method), pattern) == rights_.size());
  rights_.push_back(rights);
}

HttpGuard::Verdict HttpGuard::check(HttpHead& head) const {
  Verdict verdict = judge(head);
  if (verdict.refusal && options_.doorman) {
    options_.doorman->on_refused(head.request, *verdict.refusal);
  }
  return verdict;
}

HttpGuard::Verdict HttpGuard::judge(HttpHead& head) const {
  const std::size_t target_max = options_.lenient ? kLenientTargetBytesMax : kTargetBytesMax;
  if (head.target_bytes > target_max) {
    return {refuse(414, ErrorCode::kInvalid, cat("the path is over ", target_max, " bytes"))};
  }
  if (auto refused = check_host(head)) return {std::move(refused)};
  if (head.count("range") != 0) {
    return {refuse(416, ErrorCode::kInvalid, "ranges are not served")};
  }
  if (auto refused = check_body(head)) return {std::move(refused)};
  HttpRoutes::Match match = paths_.find(head.request.method, head.request.path);
  auto refused = check_caller(head, match);
  if (!refused) refused = check_route(match);
  return {std::move(refused), true, std::move(match)};
}

std::optional<HttpResponse> HttpGuard::check_host(const HttpHead& head) const {
  const std::string host = head.request.header("host");
  std::vector<std::string> ours = options_.allowed_hosts;
  if (options_.tls) {
    const std::vector<std::string> certified = options_.tls->certificate().names;
    ours.insert(ours.end(), certified.begin(), certified.end());
  }
  if (head.count("host") != 1 || !is_our_host(host, options_.address, ours)) {
    return refuse(403, ErrorCode::kRefused, "the Host header names another server");
  }
  const std::size_t origins = head.count("origin");
  if (origins > 1 || (origins == 1 && !is_same_origin(head.request.header("origin"), host))) {
    return refuse(403, ErrorCode::kRefused, "the Origin is another site");
  }
  return std::nullopt;
}

std::optional<HttpResponse> HttpGuard::check_body(const HttpHead& head) const {
  const bool in_parts = head.request.header("content-type").find("multipart/form-data") == 0;
  const bool chunked = head.count("transfer-encoding") != 0;
  const std::size_t count = head.count("content-length");
  if (chunked && count != 0) {
    return refuse(400, ErrorCode::kInvalid, "both Content-Length and chunks");
  }
  const bool may_be_chunked = options_.lenient && head.count("transfer-encoding") == 1 &&
                              head.request.header("transfer-encoding") == "chunked";
  if ((chunked && !may_be_chunked) || head.count("content-encoding") != 0 || in_parts) {
    return refuse(415, ErrorCode::kInvalid,
                  "only plain bodies are read: not chunked, encoded or in parts");
  }
  const std::string& method = head.request.method;
  const bool bodiless =
      method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "DELETE";
  if (count == 0 && !bodiless && !options_.lenient) {
    return refuse(411, ErrorCode::kInvalid, "Content-Length is missing (0 for no body)");
  }
  if (count == 0) return std::nullopt;
  const auto length = content_length(head.request.header("content-length"));
  if (count > 1 || !length) {
    return refuse(400, ErrorCode::kInvalid, "Content-Length is not one number");
  }
  if (*length > options_.body_max) {
    return bare_http_refusal(options_, 413);
  }
  return std::nullopt;
}

// Whether a path is there is told to those alone who may look.
std::optional<HttpResponse> HttpGuard::check_caller(HttpHead& head,
                                                    const HttpRoutes::Match& match) const {
  const auto rights = match.route ? rights_[*match.route] : std::optional<std::uint32_t>(0);
  if (!rights) return std::nullopt;
  HttpCaller& caller = head.request.caller;
  if (options_.doorman) {
    caller = options_.doorman->identify(head.request, head.count("authorization") == 1);
  }
  const bool known = options_.doorman ? caller.rights != 0 : has_token(head);
  if (!known) {
    HttpResponse response = json_response(
        {{"code", "unauthorized"}, {"error", "wants Authorization: Bearer <token>"}}, 401);
    response.headers["WWW-Authenticate"] = "Bearer";
    return response;
  }
  if (!options_.doorman || (caller.rights & *rights) == *rights) return std::nullopt;
  return json_response({{"code", "forbidden"}, {"error", options_.doorman->lacks(caller, *rights)}},
                       403);
}

std::optional<HttpResponse> HttpGuard::check_route(const HttpRoutes::Match& match) const {
  if (match.route) return std::nullopt;
  const int status = match.allowed.empty() ? 404 : 405;
  if (status == 404) return bare_http_refusal(options_, 404);
  HttpResponse response = refuse(405, ErrorCode::kInvalid, cat("this path is for ", match.allowed));
  response.headers["Allow"] = match.allowed;
  return response;
}

bool HttpGuard::has_token(const HttpHead& head) const {
  if (options_.token.empty() || head.request.uid) return true;
  return head.count("authorization") == 1 &&
         equal_in_constant_time(head.request.header("authorization"), "Bearer " + options_.token);
}

}  // namespace panshi
