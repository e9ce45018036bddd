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
