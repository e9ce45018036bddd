// SPDX-License-Identifier: Apache-2.0
// Promise: what the gateway signed for one customer is worth nothing to another, for another order,
// after its time, or when a byte of it was changed.
#include "platform/storefront/services/passes.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {
const WallTime kNow{20'000 * 24h};
const std::string kKey = "a key of both edges";
}  // namespace

TEST_CASE("a marker made at one edge is good at the other with the same key, for an hour") {
  const std::string marker = Passes(kKey).paid("o-1", kNow);
  CHECK(Passes(kKey).paid_order(marker, kNow + 59min) == "o-1");
  CHECK_FALSE(Passes(kKey).paid_order(marker, kNow + 61min));
  CHECK_FALSE(Passes("another key of edges").paid_order(marker, kNow));
}

TEST_CASE("a marker that was changed in any byte is worth nothing") {
  const Passes passes(kKey);
  const std::string marker = passes.paid("o-1", kNow);
  for (std::size_t i = 0; i < marker.size(); ++i) {
    std::string forged = marker;
    forged[i] = forged[i] == '9' ? '8' : '9';
    CHECK_FALSE(passes.paid_order(forged, kNow));
  }
  for (const char* garbage : {"", ".", "o-1", "o-1.9999999999.", "....", "o-1.x.y"}) {
    CHECK_FALSE(passes.paid_order(garbage, kNow));
  }
}

TEST_CASE("who waited as told may pass, not before, not for another key or user, not for ever") {
  const Passes passes(kKey);
  const std::string pass = passes.waited("u", "k", kNow + 5s);
  CHECK_FALSE(passes.has_waited(pass, "u", "k", kNow + 4s));
  CHECK(passes.has_waited(pass, "u", "k", kNow + 5s));
  CHECK_FALSE(passes.has_waited(pass, "u", "k2", kNow + 5s));
  CHECK_FALSE(passes.has_waited(pass, "u2", "k", kNow + 5s));
  CHECK_FALSE(passes.has_waited(pass, "u", "k", kNow + 10min));
  CHECK_FALSE(passes.has_waited(passes.paid("o-1", kNow), "u", "k", kNow));
}

TEST_CASE("without a key in the file passes are good at the gateway that made them only") {
  const Passes a("");
  const Passes b("");
  const std::string marker = a.paid("o-1", kNow);
  CHECK(a.paid_order(marker, kNow) == "o-1");
  CHECK_FALSE(b.paid_order(marker, kNow));
}
