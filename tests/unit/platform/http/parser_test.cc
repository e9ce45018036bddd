// SPDX-License-Identifier: Apache-2.0
// Promise: bytes are read as the same request in whatever pieces they come, and bytes that are no
// request are refused, whatever they are.
#include <algorithm>
#include <catch2/catch.hpp>

#include "core/base/random.h"
#include "core/base/text.h"
#include "platform/http/http_parser.h"

namespace panshi {
namespace {

using State = HttpParser::State;

bool is_open(const HttpParser& parser) {
  return parser.state() == State::kHead || parser.state() == State::kBody;
}

// Feeds `bytes` in pieces of at most `piece_max`; returns what the parser did not take.
std::string feed(HttpParser& parser, const std::string& bytes, std::size_t piece_max,
                 Random& random) {
  std::string held;
  std::size_t at = 0;
  while (is_open(parser) && at < bytes.size()) {
    const std::size_t size = std::min(1 + random.below(piece_max), bytes.size() - at);
    held += bytes.substr(at, size);
    at += size;
    while (is_open(parser) && !held.empty()) {
      const State before = parser.state();
      const std::size_t taken = parser.feed(held);
      held.erase(0, taken);
      if (taken == 0 && parser.state() == before) break;
    }
  }
  return held + bytes.substr(at);
}

const std::string kRequest =
    "PUT /v1/things/a?x=1%202&y=&x=3&&z HTTP/1.1\r\nHost: localhost\r\nX-Seen:  two words \r\n"
    "x-seen: again\r\nContent-Length: 11\r\n\r\nhello world";

TEST_CASE("a request is the same in whatever pieces it comes") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    HttpParser parser;
    const std::string rest = feed(parser, kRequest + "GET /next", 1 + random.below(40), random);
    REQUIRE(parser.state() == State::kWhole);
    CHECK(rest == "GET /next");
    const HttpRequest& request = parser.head().request;
    CHECK(request.method == "PUT");
    CHECK(request.path == "/v1/things/a");
    CHECK(request.query == std::map<std::string, std::string>{{"x", "1 2"}, {"y", ""}, {"z", ""}});
    CHECK(request.header("x-seen") == "two words");
    CHECK(parser.head().count("x-seen") == 2);
    CHECK(parser.head().count("host") == 1);
    CHECK(parser.head().count("none") == 0);
    CHECK(parser.body() == "hello world");
    CHECK(parser.head().keep_alive);
  }
}

TEST_CASE("the head ends before a byte of the body is taken") {
  HttpParser parser;
  const auto body = kRequest.find("hello");
  CHECK(parser.feed(kRequest) == body);
  CHECK(parser.state() == State::kBody);
  CHECK(parser.body().empty());
}

TEST_CASE("a request with any of its bytes changed is read or refused, and never more than given") {
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    std::string bytes = kRequest + kRequest;
    for (std::uint64_t n = 1 + random.below(4); n > 0; --n) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    if (random.chance(30)) bytes.erase(random.below(bytes.size()), random.below(30));
    HttpParser parser;
    const std::string rest = feed(parser, bytes, 1 + random.below(100), random);
    CHECK(rest.size() <= bytes.size());
    CHECK(parser.body().size() <= bytes.size());
    if (parser.state() == State::kBad) CHECK(parser.status() >= 400);
  }
}

TEST_CASE("noise is refused or waits for more, within the limit of a head") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    std::string bytes;
    const bool text = random.chance(50);
    for (std::size_t i = 0; i < 2 * HttpParser::kHeadBytesMax; ++i) {
      bytes += static_cast<char>(text ? 'a' + random.below(26) : random.below(256));
    }
    HttpParser parser;
    (void)feed(parser, bytes, 4'000, random);
    CHECK(parser.state() == State::kBad);
  }
}

TEST_CASE("a target, a head and a number of headers over their limits have their own refusals") {
  Random random(1);
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::string long_text(HttpParser::kHeadBytesMax, 'x');
  std::string many = line;
  for (std::size_t i = 0; i <= HttpParser::kHeadersMax; ++i) many += "a:b\r\n";
  for (const auto& [bytes, status] : std::map<std::string, int>{
           {"GET /" + long_text, 414}, {line + "X: " + long_text, 431}, {many + "\r\n", 431}}) {
    HttpParser parser;
    (void)feed(parser, bytes, 1'000, random);
    REQUIRE(parser.state() == State::kBad);
    CHECK(parser.status() == status);
  }
}

}  // namespace
}  // namespace panshi
