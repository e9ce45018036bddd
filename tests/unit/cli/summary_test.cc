// SPDX-License-Identifier: Apache-2.0
// Promise: the exit code is the verdict; figures of the customers are shown as they were sent.
#include "cli/summary.h"

#include <catch2/catch.hpp>

#include "cli/exit_codes.h"
#include "cli/follow.h"
#include "cli/show.h"

namespace panshi::cli {
namespace {

TEST_CASE("the exit code of a drill is its verdict, and an abort goes before") {
  CHECK(exit_code_of_drill({{"verdict", "pass"}}) == 0);
  CHECK(exit_code_of_drill({{"verdict", "fail"}}) == 1);
  CHECK(exit_code_of_drill({{"verdict", "unknown"}}) == 2);
  CHECK(exit_code_of_drill({{"verdict", nullptr}}) == 2);
  CHECK(exit_code_of_drill({{"verdict", "fail"}, {"aborted", true}}) == 3);
}

TEST_CASE("errors have the exit codes that scripts rely on") {
  CHECK(exit_code_of({ErrorCode::kInvalid, ""}) == 64);
  CHECK(exit_code_of({ErrorCode::kNotFound, ""}) == 64);
  CHECK(exit_code_of({ErrorCode::kUnavailable, ""}) == 69);
  CHECK(exit_code_of({ErrorCode::kConflict, ""}) == 75);  // refused for now
  CHECK(exit_code_of({ErrorCode::kRefused, ""}) == 77);   // the token
  CHECK(exit_code_of({ErrorCode::kInternal, ""}) == 1);
}

TEST_CASE("the customers' line leaves out what is not measured") {
  const nlohmann::json signals = {{"signals",
                                   {{{"signal", "orders_per_second"}, {"value", 20.14}},
                                    {{"signal", "checkout_success_ratio"}, {"value", 0.9984}},
                                    {{"signal", "other"}, {"value", 1}}}}};
  CHECK(customers_text(signals) == "20.1 orders/s, success 99.8 %");
  CHECK(customers_text(nlohmann::json::array()).empty());
}

TEST_CASE("a link's upstreams are one line: weight where it counts, health where it is checked") {
  nlohmann::json link = {
      {"upstream", "a"},
      {"upstreams",
       {{{"name", "a"}, {"weight", 1}, {"health", "up"}, {"drained", false}, {"connections", 3}},
        {{"name", "b"},
         {"weight", 1},
         {"health", "down"},
         {"drained", true},
         {"connections", 0}}}}};
  CHECK(upstreams_text(link) == "a up 3, b down drained 0");
  link["upstream"] = "by weight";
  link["upstreams"][0]["health"] = "unknown";
  CHECK(upstreams_text(link) == "a x1 3, b x1 down drained 0");
  CHECK(upstreams_text(nlohmann::json::object()).empty());
}

TEST_CASE("fields are text however they come, and absent ones are empty") {
  const nlohmann::json object = {{"a", {{"b", 3}}}, {"c", nullptr}, {"d", true}, {"e", "x\x1b"}};
  CHECK(field(object, "a.b") == "3");
  CHECK(field(object, "c").empty());
  CHECK(field(object, "d") == "true");
  CHECK(field(object, "e") == "x?");
  CHECK(field(object, "a.b.c").empty());
  CHECK(time_field({{"at_us", 1'700'000'000'000'000}}, "at_us") == "2023-11-14 22:13:20");
}

}  // namespace
}  // namespace panshi::cli
