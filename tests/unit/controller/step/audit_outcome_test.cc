// SPDX-License-Identifier: Apache-2.0
// Promise: an audit program is believed no further than its contract goes.
#include "controller/loop/audit_outcome.h"

#include <catch2/catch.hpp>

namespace panshi::controller {
namespace {

using nlohmann::json;

AuditOutcome of(const json& printed, int exit_code = 0) {
  json result = {{"exit_code", exit_code}, {"output", "looking\n" + printed.dump() + "\n"}};
  if (printed.is_structured()) result["output_json"] = printed;
  return read_audit({{"state", exit_code == 0 ? "ok" : "failed"}, {"result", result}});
}
std::string first_why(const AuditOutcome& outcome) {
  return outcome.audit.at("why").at(0).get<std::string>();
}

TEST_CASE("an audit counts whatever it likes") {
  const json counts = {{{"name", "invoices"}, {"value", 17}},
                       {{"name", "open seats"}, {"value", 3}, {"must_be", 3}},
                       {{"name", "any"}, {"value", 1}, {"must_be", nullptr}}};
  const auto outcome = of({{"verdict", "valid"}, {"counts", counts}});
  CHECK(outcome.verdict == "valid");
  CHECK(outcome.audit.at("counts") == counts);
  CHECK_FALSE(outcome.audit.contains("why"));
}

TEST_CASE("a count that is not what it must be is invalid, though the audit calls it valid") {
  const auto outcome = of({{"verdict", "valid"},
                           {"why", {"all is well"}},
                           {"counts", {{{"name", "open seats"}, {"value", 4}, {"must_be", 3}}}}});
  CHECK(outcome.verdict == "invalid");
  CHECK(first_why(outcome) == "open seats is 4, must be 3");
  CHECK(outcome.audit.at("why").back() == "all is well");
}

TEST_CASE("counts that cannot be read make a valid audit unknown") {
  const json counts = GENERATE(json("three"), json({{{"name", "x"}}}), json({{{"value", 1}}}),
                               json({{{"name", "x"}, {"value", 1.5}}}),
                               json({{{"name", "x"}, {"value", 1}, {"must_be", "0"}}}), json({7}));
  INFO(counts.dump());
  CHECK(of({{"verdict", "valid"}, {"counts", counts}}).verdict == "unknown");
}

TEST_CASE("an audit without a verdict is unknown, and its words are shown") {
  const json printed = GENERATE(json("no such table"), json({{"verdict", "fine"}}), json({1}),
                                json({{"verdict", 1}}));
  const auto outcome = of(printed);
  CHECK(outcome.verdict == "unknown");
  CHECK(first_why(outcome) == "the audit program printed no verdict");
  CHECK(outcome.audit.at("why").at(1).get<std::string>().find("looking") != std::string::npos);
}

TEST_CASE("an audit that cannot tell is unknown by its own words alone") {
  const auto outcome = of({{"verdict", "unknown"}, {"why", {"the queue is away"}}});
  CHECK(outcome.verdict == "unknown");
  CHECK(outcome.audit.at("why") == json({"the queue is away"}));
}

}  // namespace
}  // namespace panshi::controller
