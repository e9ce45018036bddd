// SPDX-License-Identifier: Apache-2.0
// Promise: a request that could harm is refused before any handler runs, and costs no memory.
#include <atomic>
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/http_server.h"
#include "tests/support/allocated.h"
#include "tests/support/http_kinds.h"
#include "tests/support/raw_http.h"

namespace panshi {
namespace {

constexpr std::size_t kBodyMax = 64 << 10;

// One server that counts how often a handler ran.
template <class Kind>
struct Fortress {
  std::atomic<int> handled = 0;
  HttpServer server{Kind::with({.body_max = kBodyMax, .token = "secret"})};

  Fortress() {
    const auto count = [this](const HttpRequest&) {
      ++handled;
      return json_response({{"ok", true}});
    };
    server.route("GET", "/thing", count);
    server.route("POST", "/thing", count);
    server.route("PUT", "/thing/{id}", count);
    server.route_open("GET", "/healthz", count);
    REQUIRE(server.start());
  }

  // `head`: request line and headers, without Host and token; with `\n` for line ends.
  std::string send(std::string head, const std::string& body = "",
                   const std::string& host = "127.0.0.1",
                   const std::string& token = "Authorization: Bearer secret\n") {
    head += "\nHost: " + host + "\n" + token + "\n";
    std::string bytes;
    for (const char c : head) bytes += c == '\n' ? "\r\n" : std::string(1, c);
    return raw_http(server.port(), bytes + body);
  }
};

// The status, given that it is JSON with code and error, and that no handler ran.
template <class Kind>
int refused(Fortress<Kind>& fortress, const std::string& answer) {
  INFO(answer.substr(0, 500));
  CHECK(fortress.handled == 0);
  const auto body = answer.find("\r\n\r\n");
  REQUIRE(body != std::string::npos);
  const auto json = nlohmann::json::parse(answer.substr(body + 4), nullptr, false);
  CHECK(json.is_object());
  CHECK(json.contains("code"));
  CHECK(json.contains("error"));
  return raw_status(answer);
}

TEMPLATE_TEST_CASE("a decent request passes", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  CHECK(raw_status(fortress.send("GET /thing HTTP/1.1")) == 200);
  CHECK(raw_status(fortress.send("POST /thing HTTP/1.1\nContent-Length: 2", "{}")) == 200);
  CHECK(fortress.handled == 2);
}

TEMPLATE_TEST_CASE("a chunked body is refused", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  std::string chunks;
  for (int i = 0; i < 64; ++i) chunks += "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  CHECK(refused(fortress, fortress.send("POST /thing HTTP/1.1\nTransfer-Encoding: chunked",
                                        chunks + "0\r\n\r\n")) == 415);
  CHECK(refused(fortress, fortress.send("POST /thing HTTP/1.1\nTransfer-Encoding: chunked\n"
                                        "Content-Length: 5",
                                        "0\r\n\r\n")) == 400);
  CHECK(refused(fortress, fortress.send("POST /thing HTTP/1.1\nTransfer-Encoding: chunked",
                                        "-1\r\nx\r\n0\r\n\r\n")) == 415);
}

TEMPLATE_TEST_CASE("an encoded body and one in parts are refused", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  CHECK(refused(fortress, fortress.send("POST /thing HTTP/1.1\nContent-Encoding: gzip\n"
                                        "Content-Length: 3",
                                        "\x1f\x8b\x08")) == 415);
  CHECK(refused(fortress, fortress.send("POST /thing HTTP/1.1\nContent-Length: 5\n"
                                        "Content-Type: multipart/form-data; boundary=x",
                                        "--x--")) == 415);
}

TEMPLATE_TEST_CASE("many overlapping ranges are refused", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  std::string ranges = "GET /thing HTTP/1.1\nRange: bytes=0-";
  for (int i = 0; i < 400; ++i) ranges += ",0-";
  CHECK(refused(fortress, fortress.send(ranges)) == 416);
}

TEMPLATE_TEST_CASE("a long path is refused", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  CHECK(refused(fortress, fortress.send(cat("GET /", std::string(512, 'a'), " HTTP/1.1"))) == 414);
  CHECK(refused(fortress, fortress.send(cat("GET /", std::string(8'000, 'a'), " HTTP/1.1"))) ==
        414);
  CHECK(refused(fortress, fortress.send(cat("GET /", std::string(60'000, 'a'), " HTTP/1.1"))) ==
        414);
}

TEMPLATE_TEST_CASE("a body wants exactly one Content-Length", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  CHECK(refused(fortress, fortress.send("POST /thing HTTP/1.1", "{}")) == 411);
  CHECK(refused(fortress, fortress.send("PUT /thing/a HTTP/1.1", "{}")) == 411);
  CHECK(refused(fortress, fortress.send("POST /thing HTTP/1.1\nContent-Length: 2\n"
                                        "Content-Length: 2",
                                        "{}")) == 400);
  for (const char* length : {"-1", "2, 2", "0x2", "+2", "99999999999999999999"}) {
    INFO(length);
    const std::string head = cat("POST /thing HTTP/1.1\nContent-Length: ", length);
    CHECK(refused(fortress, fortress.send(head, "{}")) == 400);
  }
}

TEMPLATE_TEST_CASE("a body over the limit is refused, declared or sent, and never kept", "",
                   PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  const long before = allocated_kib();
  for (int i = 0; i < 32; ++i) {  // 2 MiB, had they been kept
    CHECK(
        refused(fortress, fortress.send(cat("POST /thing HTTP/1.1\nContent-Length: ", kBodyMax + 1),
                                        std::string(kBodyMax + 1, 'x'))) == 413);
  }
  CHECK(refused(fortress, fortress.send("POST /thing HTTP/1.1\nContent-Length: 10000000000",
                                        std::string(1 << 10, 'x'))) == 413);
  CHECK(allocated_kib() - before < 1 << 10);
  CHECK(raw_status(fortress.send(cat("POST /thing HTTP/1.1\nContent-Length: ", kBodyMax),
                                 std::string(kBodyMax, 'x'))) == 200);
}

TEMPLATE_TEST_CASE("a refused body is never read as the next request", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  const std::string smuggled =
      "POST /thing HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer secret\r\n"
      "Content-Length: 0\r\n\r\n";
  const std::string answer =
      fortress.send("POST /thing HTTP/1.1\nTransfer-Encoding: chunked", smuggled);
  CHECK(refused(fortress, answer) == 415);
  CHECK(answer.find("HTTP/1.1", 1) == std::string::npos);
}

TEMPLATE_TEST_CASE("a page of another site is refused", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  CHECK(refused(fortress, fortress.send("POST /thing HTTP/1.1\nOrigin: http://evil.example\n"
                                        "Content-Length: 2",
                                        "{}")) == 403);
  CHECK(refused(fortress, fortress.send("GET /thing HTTP/1.1\nOrigin: null")) == 403);
  CHECK(raw_status(fortress.send(
            cat("GET /thing HTTP/1.1\nOrigin: http://127.0.0.1:", fortress.server.port()), "",
            cat("127.0.0.1:", fortress.server.port()))) == 200);
}

TEMPLATE_TEST_CASE("a foreign, missing or doubled Host is refused, on open routes too", "",
                   PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  CHECK(refused(fortress, fortress.send("GET /thing HTTP/1.1", "", "evil.example")) == 403);
  CHECK(refused(fortress, fortress.send("GET /healthz HTTP/1.1", "", "evil.example", "")) == 403);
  CHECK(refused(fortress, fortress.send("GET /thing HTTP/1.1\nHost: 127.0.0.1")) == 403);
  const std::string hostless = "GET /healthz HTTP/1.1\r\n\r\n";
  CHECK(refused(fortress, raw_http(fortress.server.port(), hostless)) == 403);
}

TEMPLATE_TEST_CASE("a missing or wrong token is refused, also for paths that do not exist", "",
                   PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  for (const char* token : {"", "Authorization: Bearer wrong\n", "Authorization: Bearer secret2\n",
                            "Authorization: Bearer secre\n", "Authorization: Basic secret\n",
                            "Authorization: Bearer \n",
                            "Authorization: Bearer secret\nAuthorization: Bearer secret\n"}) {
    INFO(token);
    CHECK(refused(fortress, fortress.send("GET /thing HTTP/1.1", "", "127.0.0.1", token)) == 401);
    CHECK(refused(fortress, fortress.send("GET /nothing HTTP/1.1", "", "127.0.0.1", token)) == 401);
  }
  CHECK(raw_status(fortress.send("GET /healthz HTTP/1.1", "", "127.0.0.1", "")) == 200);
}

TEMPLATE_TEST_CASE("a header cannot pretend where a request comes from", "", PANSHI_HTTP_KINDS) {
  HttpServer server(TestType::with({}));
  server.route("GET", "/who", [](const HttpRequest& request) {
    return json_response({{"address", request.remote_address}});
  });
  REQUIRE(server.start());
  const std::string answer = raw_http(
      server.port(), "GET /who HTTP/1.1\r\nREMOTE_ADDR: 6.6.6.6\r\nHost: localhost\r\n\r\n");
  INFO(answer);
  CHECK(answer.find("\"address\":\"127.0.0.1\"") != std::string::npos);
}

TEMPLATE_TEST_CASE("a head without end is refused at its limit, and costs no memory", "",
                   PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  const std::string flood(8 << 20, 'x');
  const std::string request = "GET /thing HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + flood;
  const long before = allocated_kib();  // with what we say ourselves
  CHECK(refused(fortress, raw_http(fortress.server.port(), request)) == 431);
  CHECK(refused(fortress, raw_http(fortress.server.port(), flood)) >= 400);
  std::string many = "GET /thing HTTP/1.1";
  for (int i = 0; i < 200; ++i) many += cat("\nX-", i, ": y");
  CHECK(refused(fortress, fortress.send(many)) == 431);
  CHECK(allocated_kib() - before < 1 << 10);
}

TEMPLATE_TEST_CASE("a header that others might read otherwise is refused", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  const std::string post = "POST /thing HTTP/1.1\n";
  for (const char* header : {"Content-Length : 2", "Content-Length: 2\nA B: c",
                             "Content-Length: 2\nX: a\tb\x01", "Content-Length: 2\n: no name"}) {
    INFO(header);
    CHECK(refused(fortress, fortress.send(post + header, "{}")) == 400);
  }
}

TEST_CASE("a line of a head that the library would skip is refused") {
  Fortress<LibraryHttp> fortress;
  for (const char* line : {"X: a\n folded", "no colon", "X: a\r\r"}) {
    INFO(line);
    CHECK(refused(fortress, fortress.send(cat("GET /thing HTTP/1.1\n", line))) == 400);
  }
}

TEMPLATE_TEST_CASE("the body of a GET is not the next request", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  const std::string hidden = "GET /thing HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string answers = fortress.send(
      cat("GET /healthz HTTP/1.1\nConnection: close\nContent-Length: ", hidden.size()), hidden);
  CHECK(raw_status(answers) == 200);
  CHECK(fortress.handled == 1);
}

TEMPLATE_TEST_CASE("an answer is never compressed, nor an offer made of ranges", "",
                   PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  for (const char* method : {"GET", "HEAD"}) {
    const std::string answer = fortress.send(
        cat(method, " /thing HTTP/1.1\nAccept-Encoding: gzip, br\nConnection: close"));
    CHECK(raw_status(answer) == 200);
    CHECK(answer.find("Content-Encoding") == std::string::npos);
    CHECK(answer.find("Accept-Ranges") == std::string::npos);
    CHECK(answer.find("Content-Length: 11\r\n") != std::string::npos);
  }
}

TEMPLATE_TEST_CASE("a form is a body like any other, also a long one", "", PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  const std::string form = "a=" + std::string(20'000, 'x');
  CHECK(raw_status(fortress.send(
            cat("POST /thing HTTP/1.1\nConnection: close\nContent-Length: ", form.size(),
                "\nContent-Type: application/x-www-form-urlencoded"),
            form)) == 200);
}

TEMPLATE_TEST_CASE("chunks that end wrongly, or whose size is no size, are never handled", "",
                   PANSHI_HTTP_KINDS) {
  int handled = 0;
  HttpServer server(TestType::with(
      {.body_max = 1'000, .request_timeout = std::chrono::milliseconds(300), .lenient = true}));
  server.route("POST", "/thing", [&](const HttpRequest& request) {
    ++handled;
    return json_response(request.body.size());
  });
  REQUIRE(server.start());
  const std::string head =
      "POST /thing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body :
       {"3\r\nabcX\r\n0\r\n\r\n", "-2\r\nabc\r\n0\r\n\r\n", "\r\nabc\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\nX\r\n\r\n"}) {
    INFO(body);
    const std::string answer = raw_http(server.port(), head + body);
    CHECK((answer.empty() || raw_status(answer) == 400 || raw_status(answer) == 413));
    CHECK(handled == 0);
  }
  std::string chunks = head;
  for (int i = 0; i < 600; ++i) chunks += "2\r\nab\r\n";
  CHECK(raw_status(raw_http(server.port(), chunks + "0\r\n\r\n")) == 413);
  CHECK(handled == 0);
  CHECK(raw_status(raw_http(server.port(), head + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) == 200);
  CHECK(handled == 1);
}

TEMPLATE_TEST_CASE("garbage is answered or dropped, and the next request served", "",
                   PANSHI_HTTP_KINDS) {
  Fortress<TestType> fortress;
  for (const std::string& bytes :
       {std::string("\0\0\0\0\r\n\r\n", 8), std::string("GET\r\n\r\n"), std::string("\r\n\r\n"),
        std::string("GET /thing HTTP/9.9\r\n\r\n"), std::string("BREW /thing HTTP/1.1\r\n\r\n"),
        std::string("GET /thing HTTP/1.1\r\nno colon\r\n\r\n")}) {
    const int status = raw_status(raw_http(fortress.server.port(), bytes));
    CHECK((status == 0 || (status >= 400 && status < 500)));
  }
  CHECK(fortress.handled == 0);
  CHECK(raw_status(fortress.send("GET /healthz HTTP/1.1", "", "127.0.0.1", "")) == 200);
}

}  // namespace
}  // namespace panshi
