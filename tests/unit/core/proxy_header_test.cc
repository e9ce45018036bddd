// SPDX-License-Identifier: Apache-2.0
// Promise: a PROXY header reads back as it was written, in whatever pieces it comes, and nothing
// else is taken for one.
#include "core/io/proxy_header.h"

#include <catch2/catch.hpp>

#include "core/base/random.h"
#include "core/base/text.h"

namespace panshi {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

const ProxyOrigin kFour = {{"203.0.113.7", 51'000}, {"127.77.1.1", 443}};
const ProxyOrigin kSix = {{"2001:db8::7", 65'535}, {"::1", 1}};

TEST_CASE("a header reads back as it was written, once it is whole") {
  for (const ProxyOrigin& origin : {kFour, kSix}) {
    for (const int version : {1, 2}) {
      const std::string header = proxy_header(version, origin);
      for (std::size_t size = 0; size < header.size(); ++size) {
        const auto part = read_proxy_header(header.substr(0, size));
        REQUIRE(part);
        CHECK_FALSE(*part);
      }
      const auto whole = read_proxy_header(header + "GET / HTTP/1.1\r\n");
      REQUIRE(whole);
      REQUIRE(*whole);
      CHECK((*whole)->size == header.size());
      CHECK((*whole)->origin == origin);
    }
  }
}

TEST_CASE("both versions are written as the protocol has them") {
  CHECK(proxy_header(1, kFour) == "PROXY TCP4 203.0.113.7 127.77.1.1 51000 443\r\n");
  CHECK(proxy_header(1, kSix) == "PROXY TCP6 2001:db8::7 ::1 65535 1\r\n");
  CHECK(proxy_header(2, kFour) ==
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\x7f\x4d\x01\x01\xc7\x38\x01\xbb"sv);
}

TEST_CASE("a connection of the proxy's own, or of a kind that is not told, has no origin") {
  CHECK(proxy_header(1, std::nullopt) == "PROXY UNKNOWN\r\n");
  CHECK_FALSE((*read_proxy_header(proxy_header(2, std::nullopt)))->origin);
  const std::string signature(proxy_header(2, kFour).substr(0, 12));
  for (const std::string& header :
       {std::string("PROXY UNKNOWN\r\n"), std::string("PROXY UNKNOWN 1 2 3 4\r\n"),
        signature + std::string("\x20\0\0\0", 4), signature + std::string("\x21\0\0\3abc", 7),
        signature + std::string("\x21\x31\0\0", 4)}) {
    const auto read = read_proxy_header(header + "x");
    REQUIRE(read);
    REQUIRE(*read);
    CHECK((*read)->size == header.size());
    CHECK_FALSE((*read)->origin);
  }
  // What version 2 says beside the addresses is passed over.
  std::string more = proxy_header(2, kFour);
  more[15] = static_cast<char>(12 + 5);
  const auto read = read_proxy_header(more + "\x04\0\x02ok!"s.substr(0, 5));
  REQUIRE(read);
  REQUIRE(*read);
  CHECK((*read)->size == more.size() + 5);
  CHECK((*read)->origin == kFour);
}

TEST_CASE("what is no header, is cut short in its own words or too long, is refused") {
  const std::string signature(proxy_header(2, kFour).substr(0, 12));
  for (const std::string& bad :
       {std::string("GET / HTTP/1.1\r\n"), std::string("proxy TCP4"), std::string("\0", 1),
        std::string("PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n"), std::string("PROXY TCP4 1.1.1.1\r\n"),
        std::string("PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n"),
        std::string("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n"),
        std::string("PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n"),
        std::string("PROXY TCP4 ::1 ::2 1 2\r\n"), "PROXY TCP4 " + std::string(200, '1'),
        signature + std::string("\x22\x11\0\x0c", 4) + std::string(12, 'x'),
        signature + std::string("\x21\x11\0\x04", 4) + std::string(4, 'x'),
        signature + std::string("\x21\x21\0\x0c", 4) + std::string(12, 'x'),
        signature + std::string("\x21\x11\xff\xff", 4)}) {
    INFO(bad);
    CHECK_FALSE(read_proxy_header(bad));
  }
}

TEST_CASE("random bytes behind a header's beginning are bounded and crash nothing") {
  Random random(20'261'130);
  const std::string signature(proxy_header(2, kFour).substr(0, 12));
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = random.chance(50) ? signature : "PROXY ";
    const auto more = random.below(700);
    for (std::uint64_t k = 0; k < more; ++k) bytes += static_cast<char>(random.below(256));
    const auto read = read_proxy_header(bytes);
    if (!read || !*read) {
      CHECK((read.has_value() ? bytes.size() < kProxyHeaderMax : true));
      continue;
    }
    CHECK((*read)->size <= std::min(bytes.size(), kProxyHeaderMax));
  }
}

}  // namespace
}  // namespace panshi
