// SPDX-License-Identifier: Apache-2.0
// Promise: whom limits count as one is an IPv4 address or an IPv6 /64.
#include "core/base/ip_address.h"

#include <catch2/catch.hpp>

namespace panshi {
namespace {

TEST_CASE("of IPv6 the /64 counts as one, of everything else what it is") {
  CHECK(network_of("2001:db8:5:6::1") == "2001:db8:5:6::/64");
  CHECK(network_of("2001:DB8:5:6:7:8:9:a") == "2001:db8:5:6::/64");
  CHECK(network_of("2001:db8:5:7::1") == "2001:db8:5:7::/64");
  for (const char* same : {"10.0.0.1", "::ffff:10.0.0.1", "", "somebody", "2001:db8::1/128"}) {
    CHECK(network_of(same) == same);
  }
}

}  // namespace
}  // namespace panshi
