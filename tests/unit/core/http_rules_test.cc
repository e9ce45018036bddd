// SPDX-License-Identifier: Apache-2.0
// Promise: a path takes the most exact route, captures only ids, and only our own names are ours.
#include "core/io/http_rules.h"

#include <catch2/catch.hpp>

namespace panshi {
namespace {

TEST_CASE("a path takes the most exact route of its method") {
  HttpRoutes routes;
  const auto one = routes.add("GET", "/v1/faults/{id}");
  const auto kinds = routes.add("GET", "/v1/faults/kinds");
  const auto put = routes.add("PUT", "/v1/faults/{id}");
  const auto revert = routes.add("POST", "/v1/faults/{id}/revert");

  CHECK(routes.find("GET", "/v1/faults/kinds").route == kinds);
  CHECK(routes.find("GET", "/v1/faults/f-1").route == one);
  CHECK(routes.find("HEAD", "/v1/faults/f-1").route == one);
  CHECK(routes.find("PUT", "/v1/faults/kinds").route == put);
  const auto match = routes.find("POST", "/v1/faults/f-1/revert");
  CHECK(match.route == revert);
  CHECK(match.captures == std::vector<std::string>{"f-1"});
}

TEST_CASE("another method of a known path is told apart from an unknown path") {
  HttpRoutes routes;
  routes.add("GET", "/a/{id}");
  routes.add("PUT", "/a/{id}");
  routes.add("GET", "/a/b");
  CHECK_FALSE(routes.find("DELETE", "/a/b").route);
  CHECK(routes.find("DELETE", "/a/b").allowed == "GET, PUT");
  CHECK(routes.find("GET", "/c").allowed.empty());
}

TEST_CASE("only ids are captured, as they were sent") {
  HttpRoutes routes;
  routes.add("GET", "/a/{id}");
  for (const char* path : {"/a/", "/a", "/a/b/c", "/a/b%2Fc", "/a/%62", "/a/..", "/a/.b", "a/b",
                           "/a/b ", "//a/b", "/a/b;c", "http://x/a/b", ""}) {
    INFO(path);
    CHECK_FALSE(routes.find("GET", path).route);
  }
  CHECK(routes.find("GET", "/a/A_b-c.7").captures.front() == "A_b-c.7");
}

TEST_CASE("where any segment is taken it is decoded, but a coded slash is no name") {
  HttpRoutes routes(true);
  const auto one = routes.add("GET", "/a/{id}");
  const auto match = routes.find("GET", "/a/b%20c%3a+%C3%BC");
  CHECK(match.route == one);
  CHECK(match.captures == std::vector<std::string>{"b c:+\u00fc"});
  for (const char* path : {"/a/", "/a/b%2Fc", "/a/%", "/a/%2", "/a/%zz", "/a/b/c"}) {
    CHECK_FALSE(routes.find("GET", path).route);
  }
}

TEST_CASE("a Host is ours by address, localhost or by name, with or without port") {
  const std::vector<std::string> allowed = {"panshi.example"};
  for (const char* host : {"127.77.0.1", "127.77.0.1:17700", "localhost", "LOCALHOST:1",
                           "panshi.example", "Panshi.Example:443"}) {
    INFO(host);
    CHECK(is_our_host(host, "127.77.0.1", allowed));
  }
  for (const char* host : {"", "evil.example", "127.77.0.1.evil.example", "127.0.0.1", ":80",
                           "localhost:", "localhost:x", "localhost:80:80", "evil@localhost",
                           "panshi.example.", "[localhost]x", "[", "[]"}) {
    INFO(host);
    CHECK_FALSE(is_our_host(host, "127.77.0.1", allowed));
  }
  CHECK(is_our_host("[::1]:80", "::1", {}));
  CHECK(is_our_host("[::1]", "::1", {}));
}

TEST_CASE("on a wildcard address any address is ours, but no unknown name") {
  CHECK(is_our_host("10.1.2.3:80", "0.0.0.0", {}));
  CHECK(is_our_host("[fe80::1]", "::", {}));
  CHECK_FALSE(is_our_host("evil.example", "0.0.0.0", {}));
}

TEST_CASE("an Origin is ours when it is the very host and port") {
  CHECK(is_same_origin("http://127.77.0.1:17700", "127.77.0.1:17700"));
  CHECK(is_same_origin("https://Panshi.example", "panshi.example"));
  for (const char* origin :
       {"null", "", "http://", "http://127.77.0.1", "http://127.77.0.1:1", "http://evil.example",
        "ftp://127.77.0.1:17700", "http://127.77.0.1:17700.evil.example"}) {
    INFO(origin);
    CHECK_FALSE(is_same_origin(origin, "127.77.0.1:17700"));
  }
}

TEST_CASE("a Content-Length is a plain decimal number") {
  CHECK(content_length("0") == 0U);
  CHECK(content_length("1048577") == 1'048'577U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1,1", "0x10", "99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(content_length(text));
  }
}

TEST_CASE("a query is decoded once, and what is no code stays as it is") {
  CHECK(decode_query("a%20b+c%2Bd") == "a b c+d");
  CHECK(decode_query("%2541") == "%41");
  CHECK(decode_query("%e4%B8%ad") == "\xe4\xb8\xad");
  for (const char* text : {"%", "%4", "%zz", "%4g", "100%", "%-1", "%+1"}) {
    INFO(text);
    std::string plain = text;
    for (char& c : plain) c = c == '+' ? ' ' : c;
    CHECK(decode_query(text) == plain);
  }
}

}  // namespace
}  // namespace panshi
