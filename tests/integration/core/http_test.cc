// SPDX-License-Identifier: Apache-2.0
// Promise: what a handler answers arrives as it was answered, and a call that fails says whether
// the other end may have acted on it.
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <latch>
#include <mutex>
#include <thread>

#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/http_server.h"
#include "tests/support/raw_connection.h"
#include "tests/support/raw_http.h"
#include "tests/support/skip.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

std::string url(const HttpServer& server, const std::string& path) {
  return cat("http://127.0.0.1:", server.port(), path);
}

TEST_CASE("whatever a handler answers goes out without secrets, unless it was asked for one") {
  const std::string secret = "an \"answered\" secret 0123456789";
  never_show(secret);
  HttpServer server({});
  server.route("GET", "/json", [&](const HttpRequest&) {
    return json_response({{"a", {secret, 1}}, {secret, "x"}});
  });
  server.route("GET", "/error", [&](const HttpRequest&) {
    return error_response({ErrorCode::kInvalid, "no such `" + secret + "`"});
  });
  server.route("GET", "/text", [&](const HttpRequest&) {
    return HttpResponse{.body = "<p>an &quot;answered&quot; secret 0123456789</p>",
                        .content_type = "text/html"};
  });
  server.route("GET", "/made", [&](const HttpRequest&) {
    HttpResponse response = json_response({{"token", secret}}, 201);
    response.tells_secret = true;
    return response;
  });
  REQUIRE(server.start());
  HttpClient client;
  const auto body = [&](const std::string& path) {
    const auto reply = client.send({.url = url(server, path)});
    REQUIRE(reply);
    return reply->body;
  };
  using Json = nlohmann::json;
  CHECK(Json::parse(body("/json")) == Json{{"a", {"(struck out)", 1}}, {"(struck out)", "x"}});
  CHECK(Json::parse(body("/error")).at("error") == "no such `(struck out)`");
  CHECK(body("/text") == "<p>(struck out)</p>");
  CHECK(Json::parse(body("/made")).at("token") == secret);
}

TEST_CASE("a request arrives whole, and so does its answer") {
  HttpServer server({});
  server.route("PUT", "/v1/faults/{id}/as/{name}", [](const HttpRequest& request) {
    HttpResponse response = json_response({{"captures", request.captures},
                                           {"method", request.method},
                                           {"path", request.path},
                                           {"query", request.query},
                                           {"header", request.header("x-seen")},
                                           {"type", request.header("content-type")},
                                           {"body", request.body}},
                                          201);
    response.headers["X-Answer"] = "yes";
    return response;
  });
  REQUIRE(server.start());
  HttpClient client;
  const auto reply = client.send({.method = "PUT",
                                  .url = url(server, "/v1/faults/f-1/as/x.y?a=1%202&b=&a=3"),
                                  .body = "{\"c=4&d\":1}",
                                  .headers = {{"X-Seen", "42"}}});
  REQUIRE(reply);
  CHECK(reply->status == 201);
  CHECK(reply->took > 0us);
  CHECK(nlohmann::json::parse(reply->body) == nlohmann::json({{"captures", {"f-1", "x.y"}},
                                                              {"method", "PUT"},
                                                              {"path", "/v1/faults/f-1/as/x.y"},
                                                              {"query", {{"a", "1 2"}, {"b", ""}}},
                                                              {"header", "42"},
                                                              {"type", "application/json"},
                                                              {"body", "{\"c=4&d\":1}"}}));
}

TEST_CASE("a form body is a body, not a query") {
  HttpServer server({});
  server.route("POST", "/f", [](const HttpRequest& request) {
    return json_response({{"query", request.query}, {"size", request.body.size()}});
  });
  REQUIRE(server.start());
  HttpClient client;
  const auto reply =
      client.send({.method = "POST",
                   .url = url(server, "/f?a=1"),
                   .body = "b=2&c=" + std::string(20'000, 'x'),
                   .headers = {{"Content-Type", "application/x-www-form-urlencoded"}}});
  REQUIRE(reply);
  CHECK(reply->body == "{\"query\":{\"a\":\"1\"},\"size\":20006}");
}

TEST_CASE("unknown paths are 404, other methods 405, both in JSON") {
  HttpServer server({});
  server.route("GET", "/a/{id}", [](const HttpRequest&) { return json_response({}); });
  REQUIRE(server.start());
  HttpClient client;
  const auto unknown = client.send({.url = url(server, "/b")});
  CHECK(unknown->status == 404);
  CHECK(nlohmann::json::parse(unknown->body)["code"] == "not_found");
  CHECK(client.send({.url = url(server, "/a/b%2Fc")})->status == 404);
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    INFO(method);
    const auto reply = client.send({.method = method, .url = url(server, "/a/b")});
    CHECK(reply->status == 405);
    CHECK(nlohmann::json::parse(reply->body)["error"] == "this path is for GET");
  }
  const auto head = client.send({.method = "HEAD", .url = url(server, "/a/b")});
  CHECK(head->status == 200);
  CHECK(head->body.empty());
}

TEST_CASE("a handler that throws is a 500 that tells nothing") {
  RawConnection::speak_tls(false);
  HttpServer server({});
  server.route("GET", "/a", [](const HttpRequest&) -> HttpResponse {
    throw std::runtime_error("password=hunter2");
  });
  server.route("POST", "/a", [](const HttpRequest&) -> HttpResponse { throw 7; });
  server.route("GET", "/b", [](const HttpRequest&) {
    HttpResponse response;
    response.headers["X-Bad"] = "a\r\nSet-Cookie: b";
    return response;
  });
  REQUIRE(server.start());
  const std::string head = "/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
  for (const std::string& bytes :
       {"GET " + head, "POST " + head, std::string("GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n")}) {
    const std::string answer = raw_http(server.port(), bytes);
    INFO(answer);
    CHECK(raw_status(answer) == 500);
    CHECK(answer.find("hunter2") == std::string::npos);
    CHECK(answer.find("Set-Cookie") == std::string::npos);
    CHECK(answer.find("{\"code\":\"internal\"") != std::string::npos);
  }
}

TEST_CASE("each error code has its status") {
  CHECK(error_response({ErrorCode::kInvalid, "x"}).status == 400);
  CHECK(error_response({ErrorCode::kNotFound, "x"}).status == 404);
  CHECK(error_response({ErrorCode::kConflict, "x"}).status == 409);
  CHECK(error_response({ErrorCode::kRefused, "x"}).status == 409);
  CHECK(error_response({ErrorCode::kUnavailable, "x"}).status == 503);
  CHECK(error_response({ErrorCode::kTimeout, "x"}).status == 504);
  CHECK(error_response({ErrorCode::kInternal, "x"}).status == 500);
  CHECK(error_response({ErrorCode::kInvalid, "x"}).body ==
        "{\"code\":\"invalid\",\"error\":\"x\"}");
}

TEST_CASE("a second server on the same port is told so, and may have it later") {
  HttpServer first({});
  first.route("GET", "/a", [](const HttpRequest&) { return json_response(1); });
  REQUIRE(first.start());
  HttpServer second({.port = first.port()});
  const auto started = second.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().code == ErrorCode::kConflict);
  CHECK(started.error().message == cat("127.0.0.1:", first.port(), " is taken"));
  const std::uint16_t port = first.port();
  first.stop();
  first.stop();
  HttpServer third({.port = port});
  CHECK(third.start());
  CHECK(HttpServer({.address = "no such address"}).start().error().code == ErrorCode::kInvalid);
}

TEST_CASE("IPv6 loopback works") {
  HttpServer server({.address = "::1"});
  server.route("GET", "/a",
               [](const HttpRequest& request) { return json_response(request.remote_address); });
  if (const auto started = server.start(); !started) {
    skip_case("this machine has no ::1: " + started.error().message);
  }
  HttpClient client;
  const auto reply = client.send({.url = cat("http://[::1]:", server.port(), "/a")});
  REQUIRE(reply);
  CHECK(reply->body == "\"::1\"");
}

TEST_CASE("stopping waits for the handlers that run and refuses the rest") {
  HttpServer server({.threads = 1});
  std::latch entered(1);
  std::latch leave(1);
  server.route("GET", "/slow", [&](const HttpRequest&) {
    entered.count_down();
    leave.wait();
    return json_response("done");
  });
  REQUIRE(server.start());
  auto reply = std::async(std::launch::async,
                          [&] { return HttpClient().send({.url = url(server, "/slow")}); });
  entered.wait();
  std::thread stopper([&] { server.stop(); });
  leave.count_down();
  stopper.join();
  CHECK(reply.get()->body == "\"done\"");
  CHECK(HttpClient().send({.url = url(server, "/slow")}).error().code == ErrorCode::kUnavailable);
}

TEST_CASE("handlers run side by side, as many as there are threads") {
  constexpr int kThreads = 3;
  HttpServer server({.threads = kThreads});
  std::latch all(kThreads);
  server.route("GET", "/meet", [&](const HttpRequest&) {
    all.arrive_and_wait();
    return json_response(true);
  });
  REQUIRE(server.start());
  HttpFleet fleet({});
  std::vector<std::promise<Result<HttpReply>>> replies(kThreads);
  for (auto& reply : replies) {
    fleet.start({.url = url(server, "/meet")},
                [&](auto result) { reply.set_value(std::move(result)); });
  }
  for (auto& reply : replies) CHECK(reply.get_future().get()->status == 200);
}

TEST_CASE("a call that never left is unavailable") {
  HttpServer server({});
  REQUIRE(server.start());
  const std::string gone = url(server, "/a");
  server.stop();
  HttpClient client;
  CHECK(client.send({.url = gone}).error().code == ErrorCode::kUnavailable);
  CHECK(client.send({.url = "http://no-such-host.invalid/"}).error().code ==
        ErrorCode::kUnavailable);
}

TEST_CASE("a call that was sent and not answered is a timeout") {
  HttpServer server({.threads = 1});
  std::atomic<int> acted = 0;
  std::latch leave(1);
  server.route("POST", "/a", [&](const HttpRequest&) {
    ++acted;
    leave.wait();
    return json_response(true);
  });
  REQUIRE(server.start());
  HttpClient client;
  const auto reply =
      client.send({.method = "POST", .url = url(server, "/a"), .body = "{}", .timeout = 100ms});
  leave.count_down();
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == ErrorCode::kTimeout);
  CHECK(acted == 1);
}

TEST_CASE("a connection that breaks after sending is a timeout") {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address = {};
  address.ss_family = AF_INET;
  socklen_t size = sizeof address;
  REQUIRE(::listen(listener, 1) == 0);  // unbound: the kernel picks a port
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&address);
  const int port = bytes[2] << 8 | bytes[3];
  std::thread peer([&] {
    const int accepted = ::accept(listener, nullptr, nullptr);
    char first = 0;
    (void)!::read(accepted, &first, 1);
    ::close(accepted);
  });
  const auto reply = HttpClient().send({.url = cat("http://127.0.0.1:", port, "/")});
  peer.join();
  ::close(listener);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == ErrorCode::kTimeout);
}

TEST_CASE("a malformed call is invalid, an answer over the limit refused") {
  HttpServer server({});
  server.route("GET", "/a", [](const HttpRequest&) {
    HttpResponse response;
    response.body = std::string(1'000, 'x');
    return response;
  });
  REQUIRE(server.start());
  HttpClient client;
  CHECK(client.send({.url = url(server, "/a"), .body_max = 999}).error().code ==
        ErrorCode::kRefused);
  CHECK(client.send({.url = url(server, "/a"), .body_max = 1'000})->body.size() == 1'000);
  for (const HttpCall& call :
       {HttpCall{.url = "file:///etc/passwd"}, HttpCall{.url = "https://127.0.0.1/"},
        HttpCall{.url = "no url"}, HttpCall{.url = ""},
        HttpCall{.method = "get", .url = url(server, "/a")},
        HttpCall{.method = "GET /", .url = url(server, "/a")},
        HttpCall{.url = url(server, "/a"), .token = "a\r\nX: y"},
        HttpCall{.url = url(server, "/a"), .headers = {{"X", "a\nb"}}},
        HttpCall{.url = url(server, "/a"), .headers = {{"X: a", "b"}}},
        HttpCall{.url = url(server, "/a\r\nX: y")}}) {
    INFO(call.method << " " << call.url);
    const auto reply = client.send(call);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == ErrorCode::kInvalid);
  }
}

TEST_CASE("a fleet answers every call once, in whatever order they end") {
  HttpServer server({});
  std::atomic<int> served = 0;
  server.route("GET", "/n/{id}", [&](const HttpRequest& request) {
    ++served;
    return json_response(request.captures[0]);
  });
  REQUIRE(server.start());
  constexpr int kCalls = 300;
  std::array<std::atomic<int>, kCalls> answers = {};
  std::atomic<int> right = 0;
  std::latch all(kCalls);
  HttpFleet fleet({.in_flight_max = 16});
  for (int i = 0; i < kCalls; ++i) {
    fleet.start({.url = url(server, cat("/n/", i))}, [&, i](Result<HttpReply> reply) {
      ++answers[static_cast<std::size_t>(i)];
      if (reply && reply->body == cat("\"", i, "\"")) ++right;
      all.count_down();
    });
  }
  all.wait();
  CHECK(right == kCalls);
  CHECK(served == kCalls);
  for (const auto& count : answers) CHECK(count == 1);
}

TEST_CASE("a fleet refuses what is over its queue and cancels the rest at its end") {
  HttpServer server({.threads = 1});
  std::latch entered(1);
  std::latch leave(1);
  server.route("GET", "/slow", [&](const HttpRequest&) {
    entered.count_down();
    leave.wait();
    return json_response(true);
  });
  REQUIRE(server.start());
  std::vector<ErrorCode> codes;  // written on the thread `fleet`, read once it has ended
  std::latch refused(1);
  {
    HttpFleet fleet({.in_flight_max = 1, .waiting_max = 1});
    const auto note = [&](const Result<HttpReply>& reply) { codes.push_back(reply.error().code); };
    fleet.start({.url = url(server, "/slow")}, note);
    entered.wait();
    fleet.start({.url = url(server, "/slow")}, note);
    fleet.start({.url = url(server, "/slow")}, [&](const Result<HttpReply>& reply) {
      note(reply);
      refused.count_down();
    });
    refused.wait();
  }
  leave.count_down();
  CHECK(codes ==
        std::vector<ErrorCode>{ErrorCode::kRefused, ErrorCode::kTimeout, ErrorCode::kUnavailable});
}

TEST_CASE("who lives on a fleet's thread has a turn after each answer, when rung, and in time") {
  HttpServer server({});
  server.route("GET", "/a", [](const HttpRequest&) { return json_response(true); });
  REQUIRE(server.start());
  std::mutex mutex;
  std::condition_variable turned;
  int turns = 0;
  MonoTime next = MonoTime::max();
  std::thread::id whose;
  HttpFleet fleet({.turn = [&] {
    const std::lock_guard lock(mutex);
    whose = std::this_thread::get_id();
    ++turns;
    turned.notify_all();
    return next;
  }});
  const auto more_than = [&](int count) {
    std::unique_lock lock(mutex);
    return turned.wait_for(lock, 10s, [&] { return turns > count; });
  };
  REQUIRE(more_than(0));
  int before = 0;
  std::promise<std::thread::id> answered;
  fleet.start({.url = url(server, "/a")}, [&](const Result<HttpReply>&) {
    before = turns;  // the same thread
    answered.set_value(std::this_thread::get_id());
  });
  CHECK(answered.get_future().get() == whose);
  CHECK(more_than(before));
  {
    const std::lock_guard lock(mutex);
    before = turns;
    next = mono_now() + 50ms;
  }
  fleet.ring();
  CHECK(more_than(before + 1));  // what rang, and what was due
  fleet.stop();
  before = turns;
  fleet.ring();
  CHECK(turns == before);
}

TEST_CASE("a call may be started from the end of another") {
  HttpServer server({});
  server.route("GET", "/a", [](const HttpRequest&) { return json_response(true); });
  REQUIRE(server.start());
  HttpFleet fleet({});
  std::promise<int> status;
  fleet.start({.url = url(server, "/a")}, [&](const Result<HttpReply>&) {
    fleet.start({.url = url(server, "/a")},
                [&](const Result<HttpReply>& reply) { status.set_value(reply->status); });
  });
  CHECK(status.get_future().get() == 200);
}

}  // namespace
}  // namespace panshi
