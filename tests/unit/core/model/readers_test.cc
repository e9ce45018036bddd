// SPDX-License-Identifier: Apache-2.0
// Promise: a document reads as written, or every mistake in it is named at once with its path.
#include <catch2/catch.hpp>

#include "core/model/check.h"
#include "core/model/event.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

Comparison read(const Json& json, Problems& problems) {
  Comparison comparison;
  Fields in(json, "c", problems);
  read_comparison(in, comparison);
  in.done();
  return comparison;
}

TEST_CASE("a comparison reads, tests and says itself") {
  Problems problems;
  const Json json = {
      {"signal", "ratio"}, {"is", ">="}, {"value", 0.99}, {"over", "3s"}, {"for", "1s"}};
  const Comparison mean = read(json, problems);
  REQUIRE(problems.empty());
  CHECK(mean.text() == "ratio >= 0.99 (mean over 3s) for 1s");
  CHECK(mean.test(0.99));
  CHECK_FALSE(mean.test(0.98));
  const Comparison last = read({{"signal", "a.up"}, {"is", "!="}, {"value", 1}}, problems);
  CHECK(last.aggregate == "last");
  CHECK(last.test(0));
  CHECK_FALSE(last.test(1));
}

TEST_CASE("each operator is what it says at the border") {
  const std::vector<std::tuple<const char*, bool, bool, bool>> cases = {
      {">", false, false, true}, {">=", false, true, true},  {"<", true, false, false},
      {"<=", true, true, false}, {"==", false, true, false}, {"!=", true, false, true}};
  for (const auto& [is, below, at, above] : cases) {
    INFO(is);
    Comparison comparison;
    comparison.is = is;
    comparison.value = 5;
    CHECK(comparison.test(4) == below);
    CHECK(comparison.test(5) == at);
    CHECK(comparison.test(6) == above);
  }
}

TEST_CASE("an aggregate without a window is a mistake") {
  Problems problems;
  (void)read({{"signal", "a"}, {"is", "<"}, {"value", 1}, {"aggregate", "max"}}, problems);
  CHECK(problems.error().message == "c.aggregate `max` needs a window: add `over`");
}

TEST_CASE("an empty selector is a mistake, not everything") {
  const auto mistake = [](const Json& target) {
    Problems problems;
    (void)read_target(target, "t", problems);
    return problems.empty() ? std::string()
                            : problems.list().front().path + ": " + problems.list().front().message;
  };
  CHECK(mistake(Json::object()) ==
        "t: selects nothing: expected {service}, {node} or {node, link|process|cgroup|unit}");
  CHECK(mistake({{"service", {{"any_of", Json::array()}}}}) ==
        "t.service.any_of: must not be empty");
  CHECK(mistake({{"service", ""}}) == "t.service: must not be empty");
  CHECK(mistake({{"node", ""}}) == "t.node: must not be empty");
  CHECK(mistake({{"node", "a"}, {"link", ""}}) == "t.link: must not be empty");
  CHECK(mistake({{"link", "a"}}) == "t.node: is missing");
  CHECK(mistake({{"service", "a"}, {"link", "b"}}) ==
        "t: names a service and a link: expected one of them");
  CHECK(mistake({{"node", "a"}, {"process", "b"}, {"unit", "c"}}) ==
        "t: names process and unit: expected one");
  CHECK(mistake({{"node", "a"}, {"proces", "b"}}) ==
        "t.proces: is not a known field (did you mean `process`?)");
  CHECK(mistake({{"cgroup", "/a"}}) == "t.node: is missing");
  CHECK(mistake({{"node", "a"}, {"cgroup", "b"}}) ==
        "t.cgroup: `b` is not a control group such as `/system.slice/nginx.service`");
  CHECK(mistake({{"node", "a"}, {"process", "b/c"}}) ==
        "t.process: `b/c` is neither a name nor an absolute path");
  CHECK(mistake({{"service", "a"}}).empty());
  CHECK(mistake({{"service", {{"any_of", {"a", "b"}}}}}).empty());
}

TEST_CASE("targets read back as they were written") {
  Problems problems;
  for (const Json& json :
       {Json{{"service", "a"}}, Json{{"node", "n"}, {"link", "l"}}, Json{{"node", "n"}},
        Json{{"node", "n"}, {"process", "nginx"}}, Json{{"node", "n"}, {"cgroup", "/a"}},
        Json{{"node", "n"}, {"unit", "a.service"}}, Json{{"service", {{"any_of", {"a", "b"}}}}}}) {
    CHECK(to_json(read_target(json, "t", problems)) == json);
  }
}

TEST_CASE("the clear condition is the opposite of the rule unless it says otherwise") {
  Problems problems;
  Json rule = {{"name", "r"}, {"title", "t"}, {"signal", "s"}, {"is", ">"},
               {"value", 5},  {"for", "1s"},  {"over", "2s"},  {"target", {{"service", "a"}}}};
  const Rule plain = read_rules({{"rules", {rule}}}, problems).front();
  CHECK(plain.clear.text() == "s <= 5 (mean over 2s)");
  rule["clear_when"] = {{"is", "<"}, {"value", 3}};
  rule["clear_for"] = "4s";
  const Rule wide = read_rules({{"rules", {rule}}}, problems).front();
  CHECK(wide.clear.text() == "s < 3 (mean over 2s) for 4s");
  CHECK(problems.empty());
}

TEST_CASE("a step is repeatable by default where repeating is harmless") {
  Problems problems;
  const auto step = [&](const Json& kind) {
    Json step_json = kind;
    step_json["name"] = "s";
    return read_runbook({{"name", "r"}, {"title", "t"}, {"steps", {step_json}}}, problems)
        .steps.front();
  };
  CHECK(step({{"restart", {{"service", "a"}}}}).idempotent);
  CHECK_FALSE(step({{"script", {{"node", "n"}, {"name", "x.sh"}}}}).idempotent);
  CHECK_FALSE(step({{"notify", {{"channel", "log"}, {"message", "m"}}}}).idempotent);
  CHECK(step({{"script", {{"node", "n"}, {"name", "x.sh"}}}, {"idempotent", true}}).idempotent);
  CHECK(problems.empty());
  (void)step({{"script", {{"node", "n"}, {"name", "../x.sh"}}}});
  CHECK(problems.list().front().path == "steps[0].script.name");
}

TEST_CASE("events read back as they were written") {
  const Event event{7,         from_us(1'700'000'000'000'001), "fault.live", "d-1", "", "r-2", "n",
                    {{"a", 1}}};
  const auto back = event_from_json(to_json(event));
  REQUIRE(back);
  CHECK(to_json(*back) == to_json(event));
  CHECK_FALSE(event_from_json({{"seq", 1}}));
}

TEST_CASE("a service is found on its node, an unknown one with what there is") {
  Inventory inventory;
  inventory.nodes["n"] = {"n", "", "", {"orders"}, {}, {}};
  CHECK(inventory.node_of_service("orders").value() == "n");
  CHECK(inventory.node_of_service("order").error().message ==
        "unknown service `order` (did you mean `orders`?); known: orders");
}

TEST_CASE("what faults can work through is read from an agent's configuration") {
  const Json config = {
      {"services",
       {{{"name", "db"}, {"sql", {{"user", "chaos"}}}},
        {{"name", "bus"}, {"nats", {{"url", "nats://x"}}}},
        {{"name", "bus-2"}, {"nats", {{"url", "nats://x"}, {"monitor", "http://x"}}}},
        {{"name", "cart"}, {"redis", {{"port", 1}}}, {"load", {{"url", "http://x"}}}},
        {{"name", "plain"}}}},
      {"links", {{{"name", "front"}, {"protocol", "http"}}, {{"name", "wire"}}}},
      {"limits", {{"directories", {"/srv/data"}}}}};
  const FaultReach reach = reach_of_agent(config);
  CHECK(reach.has("db", "sql"));
  CHECK_FALSE(reach.has("plain", "sql"));
  CHECK(reach.has("bus", "nats"));
  CHECK_FALSE(reach.has("bus", "nats.monitor"));
  CHECK(reach.has("bus-2", "nats.monitor"));
  CHECK(reach.has_any("redis"));
  CHECK(reach.has("cart", "load"));
  CHECK(reach.http_links == std::vector<std::string>{"front"});
  CHECK(reach.may_touch("/srv/data/x"));
  CHECK_FALSE(reach.may_touch("/srv/data/../secret"));
  CHECK_FALSE(reach.may_touch("/srv/database"));
  CHECK_FALSE(reach_of_agent(Json::object()).may_touch("/srv/data"));
  CHECK(FaultReach().may_touch("/srv/data"));  // nobody said

  // As an agent tells it, a controller reads it; what is malformed counts as not said.
  Json status = {{"signals", {"db.up"}}, {"reach", to_json(reach)}};
  CHECK(offer_in(status) == AgentOffer{std::vector<std::string>{"db.up"}, reach});
  status["reach"]["services"]["db"] = "sql";
  status["signals"] = 7;
  CHECK(offer_in(status) == AgentOffer());
}

TEST_CASE("a node of the configuration reads with its links") {
  Problems problems;
  const Json json = {{"name", "n"},
                     {"url", "http://127.0.0.1:1"},
                     {"token_file", "/t"},
                     {"services", {"a"}},
                     {"links", {{"db", {"one", "two"}}}}};
  const InventoryNode node = read_inventory_node(json, "nodes[0]", problems);
  REQUIRE(problems.empty());
  CHECK(node.links.at("db") == std::vector<std::string>{"one", "two"});
}

}  // namespace
}  // namespace panshi
