// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_server.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/http_engine.h"
#include "core/io/http_guard.h"
#include "core/io/log.h"
#include "core/json/fields.h"

namespace panshi {
namespace {

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
    case ErrorCode::kOver:
      return 409;
    case ErrorCode::kRefused:
      return 409;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kTimeout:
      return 504;
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

bool is_one_line(const HttpResponse& response) {
  const auto bad = [](const std::string& text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
  };
  if (bad(response.content_type)) return false;
  if (std::any_of(response.cookies.begin(), response.cookies.end(), bad)) return false;
  return std::none_of(response.headers.begin(), response.headers.end(),
                      [&](const auto& header) { return bad(header.first) || bad(header.second); });
}

constexpr int kRefusedMin = 400;
constexpr int kForbidden = 403;

}  // namespace

HttpResponse json_response(const nlohmann::json& json, int status) {
  HttpResponse response;
  response.status = status;
  response.body = dump_json(json);
  return response;
}

HttpResponse error_response(const Error& error) {
  return http_refusal(status_of(error.code), error.code, error.message);
}

struct HttpServer::Impl {
  struct Route {
    Handler handler;
    std::string method;
    std::string pattern;
    std::optional<Needs> needs;  // none: it is open
  };

  explicit Impl(Options given) : options(std::move(given)) {}

  void add(std::string method, std::string pattern, Handler handler, std::optional<Needs> needs);
  bool is_noted(const Route& route) const;
  Status note(const HttpRequest& request, const Route& route) const;
  HttpResponse serve(const HttpRequest& request, std::size_t route) const;

  const Options options;
  HttpGuard guard{options};
  std::vector<Route> routes;
  Around around = [](const HttpRequest& request, const std::string&, const Handler& handler) {
    return handler(request);
  };
  bool started = false;
  HttpEngine engine{options, guard, [this](const HttpRequest& request, std::size_t route) {
                      return serve(request, route);
                    }};
};

void HttpServer::Impl::add(std::string method, std::string pattern, Handler handler,
                           std::optional<Needs> needs) {
  CHECK_BUG(!started);
  guard.add(method, pattern, needs ? std::optional(needs->rights) : std::nullopt);
  routes.push_back({std::move(handler), std::move(method), std::move(pattern), needs});
}

bool HttpServer::Impl::is_noted(const Route& route) const {
  const bool changes = route.method != "GET" && route.method != "HEAD";
  return options.doorman && route.needs && route.needs->noted && changes;
}

Status HttpServer::Impl::note(const HttpRequest& request, const Route& route) const {
  if (!is_noted(route)) return {};
  return options.doorman->on_change(request, route.needs->rights);
}

HttpResponse HttpServer::Impl::serve(const HttpRequest& request, std::size_t route) const {
  try {
    if (auto noted = note(request, routes[route]); !noted) {
      return http_refusal(options, noted.error(), status_of(noted.error().code));
    }
    HttpResponse response = around(request, routes[route].pattern, routes[route].handler);
    // What is noted stands there as let in. A handler, too, may say that one may not do that.
    const bool denied = is_noted(routes[route]) && response.status >= kRefusedMin;
    if (denied || (options.doorman && response.status == kForbidden)) {
      options.doorman->on_refused(request, response);
    }
    if (!is_one_line(response)) throw std::runtime_error("a line break in a response header");
    return response;
  } catch (const std::exception& problem) {
    log_error(cat(request.method, " ", request.path, ": ", problem.what()));
  } catch (...) {
    log_error(cat(request.method, " ", request.path, ": unknown exception"));
  }
  return bare_http_refusal(options, 500);
}

HttpServer::HttpServer(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpServer::~HttpServer() { stop(); }

void HttpServer::route(std::string method, std::string pattern, Handler handler, Needs needs) {
  impl_->add(std::move(method), std::move(pattern), std::move(handler), needs);
}
void HttpServer::route_open(std::string method, std::string pattern, Handler handler) {
  impl_->add(std::move(method), std::move(pattern), std::move(handler), std::nullopt);
}
std::vector<HttpServer::RouteNeeds> HttpServer::needs() const {
  std::vector<RouteNeeds> all;
  for (const Impl::Route& route : impl_->routes) {
    if (route.needs) all.push_back({route.method, route.pattern, *route.needs});
  }
  return all;
}
void HttpServer::set_around(Around around) {
  CHECK_BUG(!impl_->started);
  impl_->around = std::move(around);
}
Status HttpServer::start() {
  CHECK_BUG(!impl_->started);
  auto started = impl_->engine.start();
  impl_->started = started.has_value();
  return started;
}
std::uint16_t HttpServer::port() const { return impl_->engine.port(); }
void HttpServer::stop() { impl_->engine.stop(); }

}  // namespace panshi
