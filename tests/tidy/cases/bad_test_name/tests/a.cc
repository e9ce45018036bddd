// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

TEST_CASE("one thing; and another") { CHECK(true); }
