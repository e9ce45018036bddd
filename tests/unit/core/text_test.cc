// SPDX-License-Identifier: Apache-2.0
// Promise: durations read back as written, and typos find their nearest name.
#include "core/base/text.h"

#include <catch2/catch.hpp>

#include "core/base/ids.h"

namespace panshi {
namespace {

TEST_CASE("sizes read with binary units and are written in the largest that is exact") {
  for (const char* text : {"0B", "1B", "1536MiB", "64KiB", "2TiB"}) {
    CHECK(size_text(parse_size(text).value()) == text);
  }
  CHECK(parse_size("1.5GiB").value() == 1536LL << 20);
  CHECK(parse_size("512").value() == 512);
  for (const char* text : {"", "MiB", "1MB", "-1KiB", "1 KiB", "1e3", "9999999TiB"}) {
    INFO(text);
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("text is made safe for any part of a URL, and read back") {
  CHECK(percent_encoded("a-b_c.1~") == "a-b_c.1~");
  CHECK(percent_encoded("a/b?c d&\xff") == "a%2Fb%3Fc%20d%26%FF");
  CHECK(percent_code("%2Fx") == '/');
  CHECK(percent_code("%fF") == '\xff');
  for (const char* text : {"", "a", "%", "%4", "%4g", "%+1", "% 1", "%-1"}) {
    CHECK_FALSE(percent_code(text));
  }
}

TEST_CASE("durations carry their unit both ways") {
  for (const char* text : {"250ms", "20us", "2m", "1h", "3d", "1s", "0ms"}) {
    INFO(text);
    CHECK(duration_text(parse_duration(text).value()) == text);
  }
  CHECK(parse_duration("1.5s").value() == std::chrono::milliseconds(1500));
  for (const char* text : {"", "10", "s", "-1s", "1 s", "1parsec", "1e400s", "99999999999d"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("the nearest name is offered only when it is near") {
  const std::vector<std::string> known = {"process.kill", "process.pause", "link.delay"};
  CHECK(did_you_mean("proces.kil", known) == " (did you mean `process.kill`?)");
  CHECK(did_you_mean("zzzzzz", known).empty());
}

TEST_CASE("ids are safe in URLs and file names") {
  CHECK(is_id("mariadb-shard-0-a"));
  CHECK_FALSE(is_id(""));
  CHECK_FALSE(is_id("../etc"));
  CHECK_FALSE(is_id("a/b"));
  CHECK_FALSE(is_id("a b"));
  CHECK(hex16(0xabc) == "0000000000000abc");
}

TEST_CASE("words are what stands between blanks, however many") {
  CHECK(trimmed(" \t a b\r\n") == "a b");
  CHECK(trimmed(" \n").empty());
  CHECK(words_of("").empty());
  CHECK(words_of(" \t\n").empty());
  CHECK(words_of("one") == std::vector<std::string>{"one"});
  CHECK(words_of("  36 35\t98:0 /a-b \n") == std::vector<std::string>{"36", "35", "98:0", "/a-b"});
}

}  // namespace
}  // namespace panshi
