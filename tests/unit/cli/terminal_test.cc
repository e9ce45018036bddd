// SPDX-License-Identifier: Apache-2.0
// Promise: tables line up for any text, and no foreign text can steer the terminal.
#include "cli/terminal.h"

#include <catch2/catch.hpp>

#include "cli/connection.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

TEST_CASE("columns line up, also with letters of several bytes, and lines end without spaces") {
  CHECK(table({{"node", "what"}, {"é", "x"}, {"a", ""}}) == "node  what\né     x\na");
  CHECK(table({}).empty());
}

TEST_CASE("a table is cut to a width in its widest cells, with an ellipsis") {
  const std::string title(2'000, 'x');
  const std::vector<std::vector<std::string>> rows = {{"incident", "state", "title", "rule"},
                                                      {"i-1", "open", title, ""},
                                                      {"i-2", "closed", "磐石", "slow"}};
  const auto lines = split(table(fitted(rows, 60)), '\n');
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "incident  state   title                                 rule");
  CHECK(lines[1] == "i-1       open    " + std::string(35, 'x') + "…");
  CHECK(lines[2].starts_with("i-2       closed  磐石  "));
  for (const std::string& line : lines) CHECK(columns_of(line) <= 60);
  CHECK(fitted(rows, 3'000) == rows);
  // No cell below 16, so that something of it can be read; two wide ones share.
  CHECK(columns_of(split(table(fitted({{"a", "b"}, {title, title}}, 1)), '\n')[1]) == 16 + 2 + 16);
  for (const std::size_t columns : {40U, 41U, 80U, 200U}) {
    const auto both = split(table(fitted({{"a", "b"}, {title, title + "y"}}, columns)), '\n');
    CHECK(columns_of(both[1]) <= columns);
    CHECK(columns_of(both[1]) >= columns - 1);
  }
  CHECK(fitted({}, 10).empty());
}

TEST_CASE("colour does not count as width") {
  CHECK(columns_of("\x1b[31mred\x1b[0m") == 3);
  CHECK(columns_of("磐石") == 2);
}

TEST_CASE("control characters of foreign text are not passed to the terminal") {
  CHECK(printable("a\x1b[2Jb\rc\nd") == "a?[2Jb?c\nd");
  CHECK(printable("磐石 é\t½ 𝄞") == "磐石 é\t½ 𝄞");
  CHECK(one_line("a\n\tb\x1b") == "a  b?");
  CHECK(printable_json("\"\xc2\x9b磐\xe2\x80\xae\xf3\xa0\x80\xa1\"") ==
        "\"\\u009b磐\\u202e\\udb40\\udc21\"");
  CHECK(printable("\xc2\x9b"
                  "31m") == "?31m");  // CSI as C1
  CHECK(printable("\x9b"
                  "31m\xff") == "?31m?");  // the same for an 8-bit terminal
  CHECK(printable("a\xe2\x80\xae"
                  "b") == "a?b");  // right-to-left override
  CHECK(printable("a\xe2\x81\xa6"
                  "b\xef\xbb\xbf") == "a?b?");          // isolate, byte order mark
  CHECK(printable("\xc0\x9b\xed\xa0\x80") == "?????");  // overlong, surrogate
  CHECK(printable("\xe2\x80") == "??");                 // cut
}

}  // namespace
}  // namespace panshi::cli
