// SPDX-License-Identifier: Apache-2.0
// Promise: behind a proxy a server knows the client's own address, and takes it from nobody else.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/proxy_header.h"
#include "tests/support/http_kinds.h"
#include "tests/support/raw_http.h"

namespace panshi {
namespace {

constexpr const char* kGet = "GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

template <class Kind>
struct Says {
  HttpServer server;
  explicit Says(std::vector<std::string> proxies)
      : server(Kind::with({.proxies = std::move(proxies)})) {
    server.route("GET", "/who",
                 [](const HttpRequest& request) { return json_response(request.remote_address); });
    REQUIRE(server.start());
  }
};

std::string header_of(int version, const std::string& address) {
  return proxy_header(version, ProxyOrigin{{address, 7}, {"127.0.0.1", 80}});
}

TEMPLATE_TEST_CASE("a proxy says whose a connection is, and others only send a bad request", "",
                   LibraryHttp, BeastHttp) {
  Says<TestType> behind({"127.0.0.1"});
  for (const int version : {1, 2}) {
    const std::string answer =
        raw_http(behind.server.port(), header_of(version, "203.0.113.7") + kGet);
    CHECK(answer.find("\"203.0.113.7\"") != std::string::npos);
  }
  CHECK(raw_http(behind.server.port(), kGet).empty());
  CHECK(
      raw_http(behind.server.port(), proxy_header(2, std::nullopt) + kGet).find("\"127.0.0.1\"") !=
      std::string::npos);
  Says<TestType> direct({});
  CHECK(raw_status(raw_http(direct.server.port(), header_of(1, "203.0.113.7") + kGet)) / 100 == 4);
  CHECK(raw_http(direct.server.port(), kGet).find("\"127.0.0.1\"") != std::string::npos);
}

TEMPLATE_TEST_CASE("the address holds for each request of a kept connection", "", LibraryHttp,
                   BeastHttp) {
  Says<TestType> behind({"127.0.0.1"});
  RawConnection connection(behind.server.port());
  const std::string get = "GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n";
  connection.send(header_of(2, "203.0.113.9") + get + get);
  std::string both = connection.answer();
  both += connection.answer();
  std::size_t found = 0;
  for (std::size_t at = both.find("203.0.113.9"); at != std::string::npos;
       at = both.find("203.0.113.9", at + 1)) {
    ++found;
  }
  CHECK(found == 2);
}

TEST_CASE("a call may come from another address of this machine") {
  Says<LibraryHttp> direct({});
  HttpClient client;
  HttpCall call;
  call.url = cat("http://127.0.0.1:", direct.server.port(), "/who");
  call.local_address = "127.241.2.3";
  const auto reply = client.send(call);
  REQUIRE(reply);
  CHECK(reply->body == "\"127.241.2.3\"");
}

}  // namespace
}  // namespace panshi
