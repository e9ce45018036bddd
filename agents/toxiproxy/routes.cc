// SPDX-License-Identifier: Apache-2.0
#include "agents/toxiproxy/routes.h"

#include <atomic>

#include "agents/toxiproxy/proxy_book.h"
#include "core/access/rights.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/peer_user.h"
#include "core/json/fields.h"

namespace panshi::agent::toxiproxy {
namespace {

using nlohmann::json;

constexpr unsigned kThreads = 8;  // a name that is looked up holds one, but never more than four
// Whose behaviour this is. Clients compare it with the version that has what they need.
constexpr const char* kVersion = "2.12.0";
constexpr const char* kPlain = "text/plain; charset=utf-8";

HttpResponse error(const ApiError& error) {
  HttpResponse response = json_response({{"error", error.message}, {"status", error.status}});
  response.status = error.status;
  response.body += '\n';
  response.content_type = kPlain;
  response.headers["X-Content-Type-Options"] = "nosniff";
  return response;
}

HttpResponse reply(const Answer<json>& answer, int status = 200) {
  return answer ? json_response(*answer, status) : error(answer.error());
}

HttpResponse reply(const Done& done) {
  return done ? HttpResponse{.status = 204, .body = {}} : error(done.error());
}

HttpResponse populated(const Answer<std::vector<json>>& done) {
  if (done && !done->empty()) return json_response({{"proxies", *done}}, 201);
  json body{{"proxies", nullptr}};
  if (done) return json_response(body, 201);
  body["error"] = done.error().message;
  body["status"] = done.error().status;
  return json_response(body, done.error().status);
}

HttpResponse version() {
  HttpResponse response;
  response.body = cat(R"({"version": ")", kVersion, "\"}\n");
  response.content_type = "application/json;charset=utf-8";
  return response;
}

// What clients of that API know for a path or method that is not there, and for any other mistake.
HttpResponse refusal(int status, std::string_view why) {
  if (status != 404 && status != 405) return error({status, std::string(why)});
  HttpResponse response{.status = status, .body = {}, .content_type = kPlain};
  if (status == 404) response.body = "404 page not found\n";
  return response;
}

void add_proxy_routes(HttpServer& server, ProxyBook& book) {
  server.route("GET", "/proxies", [&](const HttpRequest&) { return json_response(book.list()); });
  server.route("POST", "/proxies",
               [&](const HttpRequest& request) { return reply(book.create(request.body), 201); });
  server.route("POST", "/populate",
               [&](const HttpRequest& request) { return populated(book.populate(request.body)); });
  // What ends things is never kept waiting (core/access).
  server.route("POST", "/reset", [&](const HttpRequest&) { return reply(book.reset()); },
               {kRevert});
  server.route("GET", "/version", [](const HttpRequest&) { return version(); });
  server.route("GET", "/proxies/{proxy}",
               [&](const HttpRequest& request) { return reply(book.show(request.captures[0])); });
  for (const char* method : {"POST", "PATCH"}) {
    server.route(method, "/proxies/{proxy}", [&](const HttpRequest& request) {
      return reply(book.update(request.captures[0], request.body));
    });
  }
  server.route("DELETE", "/proxies/{proxy}",
               [&](const HttpRequest& request) { return reply(book.remove(request.captures[0])); },
               {kRevert});
}

void add_toxic_routes(HttpServer& server, ProxyBook& book) {
  server.route("GET", "/proxies/{proxy}/toxics",
               [&](const HttpRequest& request) { return reply(book.toxics(request.captures[0])); });
  server.route("POST", "/proxies/{proxy}/toxics", [&](const HttpRequest& request) {
    return reply(book.add_toxic(request.captures[0], request.body));
  });
  constexpr const char* kToxic = "/proxies/{proxy}/toxics/{toxic}";
  server.route("GET", kToxic, [&](const HttpRequest& request) {
    return reply(book.toxic(request.captures[0], request.captures[1]));
  });
  for (const char* method : {"POST", "PATCH"}) {
    server.route(method, kToxic, [&](const HttpRequest& request) {
      return reply(book.update_toxic(request.captures[0], request.captures[1], request.body));
    });
  }
  server.route("DELETE", kToxic,
               [&](const HttpRequest& request) {
                 return reply(book.remove_toxic(request.captures[0], request.captures[1]));
               },
               {kRevert});
}

// Its clients send no token, but they are processes of this machine, each of some user.
Done check_caller(const ProxyPermits& permits, const HttpRequest& request, const TcpEnd& own) {
  if (permits.any_user) return {};
  const auto user = user_of_peer({request.remote_address, request.remote_port}, own);
  if (user && permits.may_call(*user)) return {};
  return refused(
      403, "only root, the agent's own user and those of its `toxiproxy.users` may call here");
}

}  // namespace

Result<std::unique_ptr<HttpServer>> serve(ProxyBook& book, const std::string& address,
                                          std::uint16_t port,
                                          std::shared_ptr<HttpDoorman> doorman) {
  HttpServer::Options options;
  options.address = address;
  options.port = port;
  options.threads = kThreads;
  options.refusal = refusal;
  options.lenient = true;
  options.doorman = std::move(doorman);
  auto server = std::make_unique<HttpServer>(std::move(options));
  add_proxy_routes(*server, book);
  add_toxic_routes(*server, book);
  const auto requests = std::make_shared<std::atomic<std::uint64_t>>(0);
  server->set_around([requests, &book, address, &at = *server](const HttpRequest& request,
                                                               const std::string&,
                                                               const HttpServer::Handler& handler) {
    if (auto may = check_caller(book.permits(), request, {address, at.port()}); !may) {
      return error(may.error());
    }
    // A page in a browser could otherwise reach this port, which asks for no token.
    const bool browser = request.header("user-agent").starts_with("Mozilla/");
    HttpResponse response = browser ? HttpResponse{.status = 403,
                                                   .body = "User agent not allowed\n",
                                                   .content_type = kPlain}
                                    : handler(request);
    response.headers["X-Toxiproxy-Request-Id"] = hex16(++*requests);
    return response;
  });
  if (auto started = server->start(); !started) return tl::unexpected(started.error());
  return server;
}

}  // namespace panshi::agent::toxiproxy
