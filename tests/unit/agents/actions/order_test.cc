// SPDX-License-Identifier: Apache-2.0
// Promise: a request names what this node has, or is refused with the list; it carries no command.
#include "agents/actions/order.h"

#include <catch2/catch.hpp>

#include "core/json/fields.h"

namespace panshi::agent {
namespace {

AgentConfig node() {
  AgentConfig config;
  config.node = "n";
  ServiceConfig shop;
  shop.name = "shop";
  config.services = {shop};
  config.links = {
      {.name = "database", .listen = "127.0.0.1:1", .upstreams = {{"a", "127.0.0.1:2"}}}};
  config.programs["audit"] = {{"audit", "--since={since}", "{x}{since}", "{not an id}"}, 5s};
  return config;
}

Result<ActionOrder> order_of(const std::string& kind, const std::string& params) {
  return ActionOrder::read(
      {{"kind", kind}, {"timeout_ms", 60'000}, {"params", *parse_json(params)}}, node());
}

TEST_CASE("arguments fill their places as they are, each once, and braces in them are text") {
  const auto order =
      order_of("program", R"json({"name":"audit","args":{"since":"{x} $(id)","x":5}})json");
  REQUIRE(order);
  CHECK(order->argv == Argv{"audit", "--since={x} $(id)", "5{x} $(id)", "{not an id}"});
  CHECK(order->timeout == 5s);  // the program's own is shorter
}

TEST_CASE("when a drill began is offered to every program, and none must take it") {
  const auto order =
      order_of("program", R"({"name":"audit","args":{"since":"a","x":"b","since_us":5}})");
  REQUIRE(order);
  CHECK(order->argv == Argv{"audit", "--since=a", "ba", "{not an id}"});
}

TEST_CASE("an argument too many or one missing is refused") {
  const auto order = order_of("program", R"({"name":"audit","args":{"sinse":1,"x":"a"}})");
  REQUIRE_FALSE(order);
  CHECK(order.error().message ==
        "params.args.since is missing\n"
        "params.args.sinse is no argument of this program (did you mean `since`?)");
}

TEST_CASE("what the node does not have is refused with what it has") {
  CHECK(order_of("restart", R"({"service":"shop"})"));
  CHECK(order_of("restart", R"({"service":"shpo"})").error().message ==
        "no service `shpo` on this node (did you mean `shop`?); there are: shop");
  CHECK(order_of("reroute", R"({"link":"x","to":"a"})").error().code == ErrorCode::kNotFound);
  CHECK(order_of("program", R"({"name":"x"})").error().code == ErrorCode::kNotFound);
  CHECK(order_of("script", R"({"name":"x"})").error().code == ErrorCode::kNotFound);
}

TEST_CASE("a body of another shape is refused") {
  CHECK_FALSE(order_of("reroute", R"({"link":"database","to":"a","established":"maybe"})"));
  CHECK(order_of("reroute", R"({"link":"database","to":"a","established":"reset"})"));
  CHECK_FALSE(order_of("mark", R"({"service":"shop","as":"fine"})"));
  CHECK_FALSE(order_of("restart", R"({"service":"shop","command":"rm"})"));
  CHECK_FALSE(order_of("program", R"({"name":"audit","args":{"since":[1],"x":1}})"));
  CHECK_FALSE(order_of("exec", R"({"argv":["sh"]})"));
  CHECK_FALSE(order_of("restart", "[]"));
}

TEST_CASE("what is said about a link's upstreams is read, with its bounds") {
  const auto drain = order_of("drain", R"({"link":"database","upstream":"a","within":"5s"})");
  REQUIRE(drain);
  CHECK(drain->link.verb == "drain");
  CHECK(drain->link.upstream == "a");
  CHECK(drain->link.within == 5s);
  CHECK(order_of("drain", R"({"link":"database","upstream":"a"})")->link.within == 30s);
  CHECK(order_of("undrain", R"({"link":"database","upstream":"a"})"));
  const auto weights = order_of("weights", R"({"link":"database","weights":{"a":3,"b":0}})");
  REQUIRE(weights);
  CHECK(weights->link.weights == std::map<std::string, int>{{"a", 3}, {"b", 0}});
  CHECK(order_of("weights", R"({"link":"database","weights":{"a":-1,"b":1.5}})").error().message ==
        "params.weights.a must be a number from 0 to 1000\n"
        "params.weights.b must be a number from 0 to 1000");
  CHECK_FALSE(order_of("weights", R"({"link":"database","weights":{}})"));
  CHECK_FALSE(order_of("drain", R"({"link":"database","upstream":"a","within":"2d"})"));
  CHECK(order_of("drain", R"({"link":"x","upstream":"a"})").error().code == ErrorCode::kNotFound);
}

TEST_CASE("a service's pid variable has letters, digits and underscores") {
  CHECK(pid_variable("cardkeys-primary.2") == "PANSHI_PID_CARDKEYS_PRIMARY_2");
}

}  // namespace
}  // namespace panshi::agent
