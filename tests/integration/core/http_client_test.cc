// SPDX-License-Identifier: Apache-2.0
// Promise: a call on a kept connection that breaks is sent again only when that is safe, and is
// called unavailable only if it was surely not acted on.
#include "core/io/http_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "core/base/text.h"
#include "core/io/http_server.h"
#include "tests/support/eventually.h"
#include "tests/support/hostile_user.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/namespace.h"
#include "tests/support/skip.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

// A server that answers `answered` requests of each connection, and at the next one resets the
// connection after it has read the request: it may have acted on it.
class Treacherous {
 public:
  // `connections_max`: then it is gone. `later`: the status on all but the first connection.
  Treacherous(int answered, int connections_max, std::string later = "200 OK")
      : later_(std::move(later)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage address = {};
    address.ss_family = AF_INET;
    socklen_t size = sizeof address;
    REQUIRE(::listen(listener_, 8) == 0);  // unbound: the kernel picks a port
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const auto* bytes = reinterpret_cast<const unsigned char*>(&address);
    port_ = bytes[2] << 8 | bytes[3];
    thread_ = std::thread([this, answered, connections_max] {
      for (int i = 0; i < connections_max && serve(answered, i == 0 ? "200 OK" : later_); ++i) {
      }
      ::close(listener_);
    });
  }
  ~Treacherous() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
  }
  Treacherous(const Treacherous&) = delete;
  Treacherous& operator=(const Treacherous&) = delete;

  std::string url() const { return cat("http://127.0.0.1:", port_, "/x"); }
  int read() const { return read_; }
  void be_gone_after_this() { gone_after_this_ = true; }  // REQUIRES: before the first call

 private:
  bool serve(int answered, const std::string& status) {
    const int accepted = ::accept(listener_, nullptr, nullptr);
    if (accepted < 0) return false;
    const std::string answer = "HTTP/1.1 " + status + "\r\nContent-Length: 2\r\n\r\nok";
    std::array<char, 4096> buffer;
    for (int i = 0; i <= answered; ++i) {
      if (::recv(accepted, buffer.data(), buffer.size(), 0) <= 0) break;
      ++read_;
      if (i < answered) (void)::send(accepted, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    if (gone_after_this_) {
      ::shutdown(listener_, SHUT_RDWR);  // gone before the client hears of the break
    }
    const linger hard = {1, 0};
    ::setsockopt(accepted, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(accepted);
    return true;
  }

  const std::string later_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> gone_after_this_ = false;
  std::atomic<int> read_ = 0;
  std::thread thread_;
};

TEST_CASE("a payment on a kept connection that breaks is not sent again by itself") {
  Treacherous server(1, 3);
  HttpClient client;
  const HttpCall pay = {.method = "POST", .url = server.url(), .body = "{}"};
  REQUIRE(client.send(pay));
  const auto broken = client.send(pay);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == ErrorCode::kTimeout);
  CHECK(server.read() == 2);
  CHECK(client.send(pay));  // on a connection of its own
}

TEST_CASE("a call that may be repeated is sent again when its kept connection breaks") {
  for (HttpCall call :
       {HttpCall{},
        HttpCall{
            .method = "POST", .url = {}, .body = "{}", .headers = {{"Idempotency-Key", "k"}}}}) {
    Treacherous server(1, 3);
    call.url = server.url();
    HttpClient client;
    REQUIRE(client.send(call));
    CHECK(client.send(call));
    CHECK(server.read() == 3);
  }
}

TEST_CASE("a repeat that is refused is unknown, unless it has no effect") {
  for (const char* status : {"503 Busy", "429 Later", "502 Bad"}) {
    INFO(status);
    HttpCall order = {
        .method = "POST", .url = {}, .body = "{}", .headers = {{"Idempotency-Key", "k"}}};
    {
      Treacherous server(1, 3, status);
      order.url = server.url();
      HttpClient client;
      REQUIRE(client.send(order));
      const auto refused = client.send(order);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == ErrorCode::kTimeout);
      CHECK(server.read() == 3);
    }
    Treacherous server(1, 3, status);
    HttpClient client;
    REQUIRE(client.send({.url = server.url()}));
    const auto seen = client.send({.url = server.url()});
    REQUIRE(seen);
    CHECK(seen->status == std::stoi(status));
  }
}

TEST_CASE("a refusal after one sending is what the server says") {
  HttpServer server({});
  server.route("POST", "/pay",
               [](const HttpRequest&) { return HttpResponse{.status = 503, .body = "{}"}; });
  REQUIRE(server.start());
  HttpClient client;
  for (int i = 0; i < 2; ++i) {  // also on a kept connection
    const auto refused = client.send({.method = "POST",
                                      .url = cat("http://127.0.0.1:", server.port(), "/pay"),
                                      .body = "{}",
                                      .headers = {{"Idempotency-Key", "k"}}});
    REQUIRE(refused);
    CHECK(refused->status == 503);
  }
}

TEST_CASE("a repeat that finds nobody is unknown: the first may have been acted on") {
  Treacherous server(1, 1);
  server.be_gone_after_this();
  HttpClient client;
  REQUIRE(client.send({.url = server.url()}));
  const auto broken = client.send({.url = server.url()});
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == ErrorCode::kTimeout);
  CHECK(client.send({.url = server.url()}).error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a kept connection that the server closed meanwhile is replaced without a word") {
  HttpServer server({});
  std::atomic<int> served = 0;
  server.route("POST", "/pay", [&](const HttpRequest&) { return json_response(++served); });
  REQUIRE(server.start());
  const std::uint16_t port = server.port();
  HttpClient client;
  const HttpCall pay = {
      .method = "POST", .url = cat("http://127.0.0.1:", port, "/pay"), .body = "{}"};
  CHECK(client.send(pay)->body == "1");
  server.stop();
  CHECK(client.send(pay).error().code == ErrorCode::kUnavailable);
  HttpServer next({.port = port});
  next.route("POST", "/pay", [&](const HttpRequest&) { return json_response(++served); });
  REQUIRE(next.start());
  CHECK(client.send(pay)->body == "2");
}

TEST_CASE("calls keep their connection unless they want a new one") {
  HttpServer server({});
  server.route("GET", "/a", [&](const HttpRequest&) { return json_response(true); });
  REQUIRE(server.start());
  HttpClient client;
  const auto connected = [&](bool anew) {
    const auto reply =
        client.send({.url = cat("http://127.0.0.1:", server.port(), "/a"), .new_connection = anew});
    REQUIRE(reply);
    return reply->connected;
  };
  CHECK(connected(false));
  CHECK_FALSE(connected(false));
  CHECK(connected(true));
  CHECK_FALSE(connected(false));
}

TEST_CASE(
    "a token goes on this machine to root, to ourselves and to its owner, and to nobody else") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  HttpServer ours({.token = "a-token-that-nobody-guesses"});
  ours.route("GET", "/x", [](const HttpRequest&) { return json_response("x"); });
  REQUIRE(ours.start());
  HttpCall call;
  call.token = "a-token-that-nobody-guesses";
  call.url = cat("http://127.0.0.1:", ours.port(), "/x");
  HttpClient client;
  CHECK(client.send(call)->status == 200);
  CHECK(client.send(call)->status == 200);  // on the kept connection, too

  const LoopbackListener place;  // a port that is free a moment later
  const std::uint16_t port = place.port;
  ::close(place.fd);
  const HostileUser squatter({.address = "127.0.0.1", .ports = {port}});
  call.url = cat("http://127.0.0.1:", port, "/x");
  std::string said;
  REQUIRE(eventually([&] {
    const auto reply = HttpClient().send(call);
    if (!reply) said = reply.error().message;
    return said.find("is held by user 65534") != std::string::npos;
  }));
  CHECK(eventually([&] { return squatter.did().callers > 0; }));
  CHECK(squatter.did().secrets == 0);
  // Whose token it is may hear it.
  call.token_owner = 65'534;
  CHECK(eventually([&] {
    (void)HttpClient().send(call);
    return squatter.did().secrets > 0;
  }));
}

TEST_CASE("a token goes to nobody else on an address of this machine beyond 127.0.0.0/8 either") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  std::async(std::launch::async, [] {
    if (!enter_own_network()) skip_case("no network namespace can be made here (root is needed)");
    constexpr const char* kAddress = "10.203.0.1";
    INFO(output_of({"ip", "address", "add", "10.203.0.1/32", "dev", "lo"}));
    constexpr std::uint16_t kPort = 17'799;  // in a network where nobody else is
    HttpCall call;
    call.token = "a-token-that-nobody-guesses";
    call.url = cat("http://", kAddress, ":", kPort, "/x");
    {
      HttpServer ours({.address = kAddress, .port = kPort, .token = call.token});
      ours.route("GET", "/x", [](const HttpRequest&) { return json_response("x"); });
      REQUIRE(ours.start());
      CHECK(HttpClient().send(call)->status == 200);
    }
    const HostileUser squatter({.address = kAddress, .ports = {kPort}});
    std::string said;
    CHECK(eventually([&] {
      const auto reply = HttpClient().send(call);
      if (!reply) said = reply.error().message;
      return said.find("is held by user 65534") != std::string::npos || squatter.did().bearer > 0;
    }));
    INFO(said);
    CHECK(squatter.did().bearer == 0);
  }).get();
}

TEST_CASE("what goes beyond this host in the clear is seen as libcurl reads the url") {
  for (const char* here : {"http://127.0.0.1:17700", "http://127.77.5.1", "http://[::1]:1",
                           "http://localhost:17700/x", "https://10.0.0.1:17701", "http://127.1"}) {
    INFO(here);
    CHECK_FALSE(is_clear_beyond_host(here));
  }
  for (const char* beyond :
       {"http://10.0.0.1:17701", "http://127.0.0.1@10.0.0.1", "http://127.0.0.1.example.org",
        "http://n-1:17701", "http://[fe80::1]", "http://10.0.0.1#@127.0.0.1", "HTTPS", "http:// ",
        "http://localhost.example.org"}) {
    INFO(beyond);
    CHECK(is_clear_beyond_host(beyond));
  }
}

}  // namespace
}  // namespace panshi
