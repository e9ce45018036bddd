// SPDX-License-Identifier: Apache-2.0
// Promise: a text that was changed, or signed with another key, is not taken for ours.
#include "core/io/mac.h"

#include <catch2/catch.hpp>

using namespace panshi;

TEST_CASE("a mac is the first half of HMAC-SHA-256") {  // RFC 4231, test cases 1 and 2
  CHECK(mac_of(std::string(20, '\x0b'), "Hi There") == "b0344c61d8db38535ca8afceaf0bf12b");
  CHECK(mac_of("Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c7");
}

TEST_CASE("only the right mac of the same text and key passes") {
  const std::string mac = mac_of("key", "order.1");
  CHECK(is_mac_of(mac, "key", "order.1"));
  CHECK_FALSE(is_mac_of(mac, "key", "order.2"));
  CHECK_FALSE(is_mac_of(mac, "other", "order.1"));
  CHECK_FALSE(is_mac_of(mac.substr(0, 31), "key", "order.1"));
  CHECK_FALSE(is_mac_of("", "key", "order.1"));
}

TEST_CASE("random keys differ") { CHECK(random_key() != random_key()); }
