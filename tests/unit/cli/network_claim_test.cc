// SPDX-License-Identifier: Apache-2.0
// Promise: of two labs that start at the same moment only one gets a network.
#include "cli/lab/network_claim.h"

#include <catch2/catch.hpp>

namespace panshi::cli {
namespace {

TEST_CASE("a network that is claimed is given to nobody else until the claim ends") {
  auto first = NetworkClaim::take("127.300");  // no lab can have it
  REQUIRE(first);
  CHECK_FALSE(NetworkClaim::take("127.300"));
  CHECK(NetworkClaim::take("127.301"));
  auto moved = std::make_optional(*std::move(first));
  first.reset();
  CHECK_FALSE(NetworkClaim::take("127.300"));
  moved.reset();
  CHECK(NetworkClaim::take("127.300"));
}

}  // namespace
}  // namespace panshi::cli
