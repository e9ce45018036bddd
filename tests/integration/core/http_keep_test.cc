// SPDX-License-Identifier: Apache-2.0
// Promise: a connection serves one request after the other, each answered once and in order; a
// client that is idle, slow or silent holds no thread and is closed in time.
#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <latch>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "core/base/random.h"
#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/http_server.h"
#include "tests/support/eventually.h"
#include "tests/support/http_kinds.h"
#include "tests/support/raw_connection.h"
#include "tests/support/raw_http.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

std::string get(const std::string& path, const std::string& headers = "") {
  return cat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n", headers, "\r\n");
}

std::string post(const std::string& path, const std::string& body,
                 const std::string& headers = "") {
  return cat("POST ", path, " HTTP/1.1\r\nHost: localhost\r\nContent-Length: ", body.size(), "\r\n",
             headers, "\r\n", body);
}

std::string body_of(const std::string& answer) {
  const auto end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

// Says how often it was asked, and echoes.
template <class Kind>
struct Shop {
  std::atomic<int> served = 0;
  std::latch leave{1};
  std::atomic<int> inside = 0;
  HttpServer server;

  explicit Shop(HttpServer::Options options = {}) : server(Kind::with(std::move(options))) {
    server.route("GET", "/n", [this](const HttpRequest&) { return json_response(++served); });
    server.route("POST", "/echo", [this](const HttpRequest& request) {
      ++served;
      HttpResponse response;
      response.body = request.body;
      return response;
    });
    server.route("GET", "/slow", [this](const HttpRequest&) {
      ++inside;
      leave.wait();
      return json_response(++served);
    });
    server.route("GET", "/big", [this](const HttpRequest&) {
      ++served;
      HttpResponse response;
      response.body = std::string(32 << 20, 'b');
      return response;
    });
    REQUIRE(server.start());
  }
  std::uint16_t port() const { return server.port(); }
};

TEMPLATE_TEST_CASE("a connection is kept for the next request", "", PANSHI_HTTP_KINDS) {
  Shop<TestType> shop;
  RawConnection connection(shop.port());
  for (int i = 1; i <= 3; ++i) {
    REQUIRE(connection.send(get("/n")));
    const std::string answer = connection.answer();
    CHECK(body_of(answer) == cat(i));
    CHECK(answer.find("Connection: close") == std::string::npos);
  }
  REQUIRE(connection.send(post("/echo", "abc")));
  CHECK(body_of(connection.answer()) == "abc");
  REQUIRE(connection.send("HEAD /n HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  CHECK(raw_status(connection.answer(true)) == 200);
  REQUIRE(connection.send(get("/nothing")));
  CHECK(raw_status(connection.answer()) == 404);
  REQUIRE(connection.send(get("/n")));
  CHECK(body_of(connection.answer()) == "6");
}

TEMPLATE_TEST_CASE("a connection is closed when the client says so, or speaks HTTP/1.0", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop;
  for (const std::string& bytes :
       {get("/n", "Connection: close\r\n"), get("/n", "Connection: foo, Close\r\n"),
        std::string("GET /n HTTP/1.0\r\nHost: localhost\r\n\r\n"),
        std::string("GET /n HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n")}) {
    RawConnection connection(shop.port());
    REQUIRE(connection.send(bytes));
    const std::string answer = connection.rest();
    CHECK(raw_status(answer) == 200);
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  }
}

TEMPLATE_TEST_CASE("a connection is closed after as many requests as it may have", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop({.requests_per_connection_max = 3});
  RawConnection connection(shop.port());
  for (int i = 1; i <= 3; ++i) REQUIRE(connection.send(get("/n")));
  CHECK(body_of(connection.answer()) == "1");
  CHECK(body_of(connection.answer()) == "2");
  CHECK(connection.answer().find("Connection: close") != std::string::npos);
  CHECK(connection.is_closed());
  CHECK(shop.served == 3);
}

TEMPLATE_TEST_CASE("requests sent behind one another are answered one by one, in order", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop;
  RawConnection connection(shop.port());
  std::string all;
  for (int i = 0; i < 200; ++i)
    all += i % 3 == 2 ? get("/nothing") : post("/echo", cat("body ", i));
  REQUIRE(connection.send(all + get("/n").substr(0, 20)));
  for (int i = 0; i < 200; ++i) {
    INFO(i);
    const std::string answer = connection.answer();
    if (i % 3 == 2) {
      CHECK(raw_status(answer) == 404);
    } else {
      CHECK(body_of(answer) == cat("body ", i));
    }
  }
  REQUIRE(connection.send(get("/n").substr(20)));
  CHECK(raw_status(connection.answer()) == 200);
}

TEMPLATE_TEST_CASE("a request arrives the same in whatever pieces it comes", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop;
  Random random(7);
  for (int round = 0; round < 20; ++round) {
    RawConnection connection(shop.port());
    std::string all;
    std::vector<std::string> bodies;
    for (int i = 0; i < 8; ++i) {
      bodies.push_back(std::string(random.below(3'000), static_cast<char>('a' + i)));
      all += post("/echo", bodies.back());
    }
    std::thread sender([&] {
      for (std::size_t at = 0; at < all.size();) {
        const std::size_t size = 1 + random.below(random.below(2) == 0 ? 7 : 4'000);
        if (!connection.send(all.substr(at, size))) return;
        at += size;
      }
    });
    std::vector<std::string> answers;
    for (int i = 0; i < 8; ++i) answers.push_back(body_of(connection.answer()));
    sender.join();
    CHECK(answers == bodies);
  }
}

TEMPLATE_TEST_CASE("a client that waits for 100 Continue is told to go on, or refused", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop({.body_max = 100});
  RawConnection connection(shop.port());
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: ";
  REQUIRE(connection.send(head + "3\r\n\r\n"));
  CHECK(connection.answer() == "HTTP/1.1 100 Continue\r\n\r\n");
  REQUIRE(connection.send("abc"));
  CHECK(body_of(connection.answer()) == "abc");
  REQUIRE(connection.send(head + "101\r\n\r\n"));
  CHECK(raw_status(connection.answer()) == 413);
  CHECK(connection.is_closed());
}

TEMPLATE_TEST_CASE("a client that has sent all and closed its side still gets its answers", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop;
  RawConnection connection(shop.port());
  REQUIRE(connection.send(post("/echo", "one") + post("/echo", "two")));
  connection.end();
  const std::string answers = connection.rest();
  CHECK(answers.find("one") < answers.find("two"));
  CHECK(answers.ends_with("two"));
}

TEMPLATE_TEST_CASE("an idle connection is closed, and so is one whose request does not end", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop({.idle_timeout = 50ms, .request_timeout = 100ms});
  RawConnection silent(shop.port());
  RawConnection idle(shop.port());
  REQUIRE(idle.send(get("/n")));
  CHECK(raw_status(idle.answer()) == 200);
  RawConnection half_head(shop.port());
  REQUIRE(half_head.send("GET /n HTTP/1.1\r\nHo"));
  RawConnection half_body(shop.port());
  REQUIRE(half_body.send(post("/echo", "abc").substr(0, 60)));
  for (RawConnection* connection : {&silent, &idle, &half_head, &half_body}) {
    CHECK(connection->is_closed());
  }
  CHECK(shop.served == 1);
}

TEMPLATE_TEST_CASE("a client that sends drop by drop has no longer than one that sends nothing", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop({.request_timeout = 100ms});
  RawConnection connection(shop.port());
  REQUIRE(connection.send("GET /n HTTP/1.1\r\nX: "));
  CHECK(eventually([&] { return !connection.send("x"); }));
}

TEST_CASE("hands that are shaken drop by drop have no longer than a request") {
  Shop<LibraryHttps> shop({.request_timeout = 100ms});
  RawConnection::speak_tls(false);
  RawConnection connection(shop.port());
  REQUIRE(connection.send("\x16\x03\x01\x02"));  // the head of a hello of half a kilobyte
  CHECK(eventually([&] { return !connection.send(std::string(1, '\0')); }));
}

TEMPLATE_TEST_CASE("slow senders, slow readers and idle clients hold no thread", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop({.threads = 1});
  RawConnection half_head(shop.port());
  REQUIRE(half_head.send("GET /n HTTP/1.1\r\nHo"));
  RawConnection half_body(shop.port());
  REQUIRE(half_body.send(post("/echo", "abc").substr(0, 60)));
  RawConnection reader(shop.port());
  REQUIRE(reader.send(get("/big")));
  REQUIRE(eventually([&] { return shop.served == 1; }));
  CHECK(raw_status(raw_http(shop.port(), get("/n"))) == 200);
  CHECK(body_of(reader.answer()).size() == 32 << 20);  // the rest is sent as it is read
  REQUIRE(reader.send(get("/n")));
  CHECK(raw_status(reader.answer()) == 200);
}

TEMPLATE_TEST_CASE("a thousand idle connections hold no thread, and stay usable", "",
                   PANSHI_HTTP_KINDS) {
  rlimit files = {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8'192);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
  Shop<TestType> shop({.threads = 2, .request_timeout = 60s});
  std::vector<std::unique_ptr<RawConnection>> idle;
  for (int i = 0; i < 1'000; ++i) {
    idle.push_back(std::make_unique<RawConnection>(shop.port()));
    REQUIRE(idle.back()->connected());
  }
  CHECK(raw_status(raw_http(shop.port(), get("/n"))) == 200);
  for (const auto& connection : idle) {
    REQUIRE(connection->send(get("/n")));
    REQUIRE(raw_status(connection->answer()) == 200);
  }
}

TEMPLATE_TEST_CASE("beyond the bound the connection that waited longest is closed", "",
                   PANSHI_HTTP_KINDS) {
  // One thread: a connection waits before the next one comes, however slow the machine is.
  Shop<TestType> shop({.threads = 1, .connections_max = 3});
  std::vector<std::unique_ptr<RawConnection>> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(std::make_unique<RawConnection>(shop.port()));
    REQUIRE(all.back()->send(get("/n")));
    REQUIRE(raw_status(all.back()->answer()) == 200);
  }
  CHECK(all[0]->is_closed());
  for (int i = 1; i < 4; ++i) {
    const auto& connection = all[static_cast<std::size_t>(i)];
    REQUIRE(connection->send(get("/n")));
    CHECK(raw_status(connection->answer()) == 200);
  }
}

// To look for the one that waited longest at each of ten thousand connections a second would take
// more than all the rest.
TEMPLATE_TEST_CASE("of many connections a sixteenth makes room at once and no more", "",
                   PANSHI_HTTP_KINDS) {
  constexpr int kMax = 64;
  Shop<TestType> shop({.threads = 1, .connections_max = kMax});
  std::vector<std::unique_ptr<RawConnection>> all;
  for (int i = 0; i < kMax + 1; ++i) {
    all.push_back(std::make_unique<RawConnection>(shop.port()));
    REQUIRE(all.back()->send(get("/n")));
    REQUIRE(raw_status(all.back()->answer()) == 200);
  }
  for (int i = 0; i < kMax / 16; ++i) CHECK(all[static_cast<std::size_t>(i)]->is_closed());
  for (int i = kMax / 16; i < kMax + 1; ++i) {
    const auto& connection = all[static_cast<std::size_t>(i)];
    REQUIRE(connection->send(get("/n")));
    CHECK(raw_status(connection->answer()) == 200);
  }
}

// Whether the kernel holds nothing that was sent to this port and that nobody has read.
bool all_is_read(std::uint16_t port) {
  std::ifstream table("/proc/self/net/tcp");
  std::string line;
  std::getline(table, line);  // its head
  while (std::getline(table, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues;
    words >> number >> local >> remote >> state >> queues;  // "0100007F:1F90", "tx:rx"
    const bool ours = std::stoul(local.substr(local.find(':') + 1), nullptr, 16) == port;
    const bool established = state == "01";
    if (ours && established && std::stoul(queues.substr(9), nullptr, 16) != 0) return false;
  }
  return true;
}

TEMPLATE_TEST_CASE(
    "requests wait for a thread in order, and their waiting counts from their first byte", "",
    PANSHI_HTTP_KINDS) {
  HttpServer server(TestType::with({.threads = 1}));
  std::latch leave(1);
  std::atomic<bool> inside = false;
  std::vector<std::string> order;  // one thread serves
  std::vector<MonoTime> arrived;
  server.route("GET", "/slow", [&](const HttpRequest&) {
    inside = true;
    leave.wait();
    return json_response(1);
  });
  server.route("GET", "/n/{id}", [&](const HttpRequest& request) {
    order.push_back(request.captures[0]);
    arrived.push_back(request.arrived);
    return json_response(1);
  });
  REQUIRE(server.start());
  RawConnection busy(server.port());
  RawConnection first(server.port());
  REQUIRE(busy.send(get("/slow")));
  REQUIRE(eventually([&] { return inside.load(); }));
  const MonoTime sent = SystemClock().mono();
  REQUIRE(first.send(get("/n/a")));
  // The watch reads while the only thread is busy: the second is sent once it has had the time.
  REQUIRE(eventually([&] { return SystemClock().mono() - sent > 50ms; }));
  RawConnection second(server.port());
  REQUIRE(second.send(get("/n/b")));
  REQUIRE(eventually([&] { return all_is_read(server.port()); }));
  const MonoTime read = SystemClock().mono();
  REQUIRE(eventually([&] { return SystemClock().mono() - read > 50ms; }));
  const MonoTime released = SystemClock().mono();
  leave.count_down();
  CHECK(raw_status(first.answer()) == 200);
  CHECK(raw_status(second.answer()) == 200);
  CHECK(order == std::vector<std::string>{"a", "b"});
  CHECK(arrived[0] < arrived[1]);
  CHECK(arrived[1] < released);
}

TEMPLATE_TEST_CASE("stopping closes idle connections at once and those at work after their answer",
                   "", PANSHI_HTTP_KINDS) {
  Shop<TestType> shop({.threads = 2});
  RawConnection idle(shop.port());
  REQUIRE(idle.send(get("/n")));
  CHECK(raw_status(idle.answer()) == 200);
  RawConnection busy(shop.port());
  REQUIRE(busy.send(get("/slow")));
  REQUIRE(eventually([&] { return shop.inside == 1; }));
  std::thread stopper([&] { shop.server.stop(); });
  CHECK(idle.is_closed());
  CHECK_FALSE(RawConnection(shop.port()).connected());
  shop.leave.count_down();
  const std::string answer = busy.rest();
  CHECK(body_of(answer) == "2");
  CHECK(answer.find("Connection: close") != std::string::npos);
  stopper.join();
}

TEMPLATE_TEST_CASE("what waits for a thread when the server stops is refused, not forgotten", "",
                   PANSHI_HTTP_KINDS) {
  Shop<TestType> shop({.threads = 1});
  RawConnection busy(shop.port());
  REQUIRE(busy.send(get("/slow")));
  REQUIRE(eventually([&] { return shop.inside == 1; }));
  RawConnection waiting(shop.port());
  REQUIRE(waiting.send(get("/n")));
  std::thread stopper([&] { shop.server.stop(); });
  shop.leave.count_down();
  CHECK(body_of(busy.rest()) == "1");
  const std::string answer = waiting.rest();
  CHECK((answer.empty() || raw_status(answer) == 503 || raw_status(answer) == 200));
  stopper.join();
}

TEMPLATE_TEST_CASE("many clients at once are each answered with their own", "", PANSHI_HTTP_KINDS) {
  Shop<TestType> shop({.threads = 3});
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      HttpClient client;
      const auto tls = TestType::files();
      for (int i = 0; i < 200; ++i) {
        const std::string body = cat(c, "-", i);
        const auto reply =
            client.send({.method = "POST",
                         .url = cat(tls ? "https" : "http", "://127.0.0.1:", shop.port(), "/echo"),
                         .body = body,
                         .tls = tls});
        if (reply && reply->body == body) ++right;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(right == 1'600);
  CHECK(shop.served == 1'600);
}

}  // namespace
}  // namespace panshi
