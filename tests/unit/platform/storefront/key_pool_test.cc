// SPDX-License-Identifier: Apache-2.0
// Promise: a file of card keys is taken whole or refused with every bad line named.
#include "platform/storefront/stores/key_pool.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"

using namespace panshi;
using namespace panshi::shop;

namespace {

std::string refusal_of(const std::string& text) {
  const auto read = read_key_pool(text);
  return read ? "" : read.error().message;
}

}  // namespace

TEST_CASE("a pool is one key a line, with comments, empty lines and the line ends of any system") {
  CHECK(read_key_pool("# from the vendor\r\nAAAA-1\r\n\r\nBBBB-2  \nCCCC_3").value() ==
        std::vector<std::string>{"AAAA-1", "BBBB-2", "CCCC_3"});
}

TEST_CASE("every bad line is told with its number, and a duplicate with the line it repeats") {
  CHECK(refusal_of("AAAA\ntwo words\nBBBB\nAAAA\n" + std::string(65, 'x')) ==
        "line 2: a key has only the characters A-Z a-z 0-9 _ . -\n"
        "line 4: the same key as in line 1\n"
        "line 5: longer than 64 characters");
  CHECK(refusal_of("x'; DROP TABLE orders; --").find("line 1: ") == 0);
}

TEST_CASE("an empty pool and an endless one are refused") {
  CHECK(refusal_of("# nothing\n\n") == "no key in it");
  std::string many;
  for (int i = 0; i <= 10'000; ++i) many += cat("K-", i, "\n");
  CHECK(refusal_of(many) == "more than 10000 keys");
}

TEST_CASE("an import is known by its keys and product, not by what is around them") {
  const auto keys = read_key_pool("A\nB").value();
  CHECK(import_id_of("game-100", keys) ==
        import_id_of("game-100", read_key_pool("#\nA\r\nB\n").value()));
  CHECK(import_id_of("game-100", keys) != import_id_of("game-50", keys));
  CHECK(import_id_of("game-100", keys) != import_id_of("game-100", {"A"}));
}
