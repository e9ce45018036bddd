// SPDX-License-Identifier: Apache-2.0
// Promise: reports of browsers are counted into buckets, and nothing else of them is kept.
#include "platform/storefront/pages/timings.h"

#include <catch2/catch.hpp>

using namespace panshi::shop;

TEST_CASE("a report falls into its bucket and every wider one") {
  Timings timings;
  timings.add({"list", 50, 51, 9'999});
  timings.add({"order", 700'000, 0, 0});
  nlohmann::json status;
  timings.add_to(status);
  CHECK(status["rum_first_byte_le_50"] == 1);
  CHECK(status["rum_first_byte_le_5000"] == 1);
  CHECK(status["rum_first_byte_le_inf"] == 2);
  CHECK(status["rum_interactive_le_50"] == 1);
  CHECK(status["rum_interactive_le_100"] == 2);
  CHECK(status["rum_load_le_5000"] == 1);
  CHECK(status["rum_views_list"] == 1);
  CHECK(status["rum_views_product"] == 0);
}

TEST_CASE("a report that is no report of ours is refused") {
  const std::string good = R"({"page":"order","first_byte_ms":1,"interactive_ms":2,"load_ms":3})";
  REQUIRE(read_timing(good));
  CHECK(read_timing(good)->load_ms == 3);
  CHECK_FALSE(read_timing(R"({"page":"order","first_byte_ms":1,"interactive_ms":2})"));
  CHECK_FALSE(
      read_timing(R"({"page":"order","first_byte_ms":1.5,"interactive_ms":2,"load_ms":3})"));
  CHECK_FALSE(read_timing(good + std::string(600, ' ')));
}
