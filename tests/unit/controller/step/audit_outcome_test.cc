// SPDX-License-Identifier: Apache-2.0
// Promise: an audit program is believed no further than its contract goes.
#include "controller/loop/audit_outcome.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"

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

TEST_CASE("an audit that calls itself valid and says what is wrong is unknown, with both said") {
  const auto told = of({{"verdict", "valid"},
                        {"why", {"12 invoices have no payment"}},
                        {"conservation", {{"ok", false}, {"detail", "paid 100, booked 88"}}}});
  CHECK(told.verdict == "unknown");
  CHECK(first_why(told) == "it says `valid`, and that its sums do not agree: paid 100, booked 88");
  CHECK(told.audit.at("why").back() == "12 invoices have no payment");

  const auto reasons = of({{"verdict", "valid"}, {"why", {"12 invoices have no payment"}}});
  CHECK(reasons.verdict == "unknown");
  CHECK(first_why(reasons) == "it says `valid`, and gives reasons why not");
  for (const json& ok : {json(true), json(nullptr)}) {
    const json sums = {{"ok", ok}, {"detail", "1000 = 203 + 797"}};
    CHECK(of({{"verdict", "valid"}, {"why", json::array()}, {"conservation", sums}}).verdict ==
          "valid");
  }
}

TEST_CASE("what an audit says in another form than its contract has is told, and never valid") {
  const auto [key, value] =
      GENERATE(table<std::string, json>({{"ids", {{"x", 7}}},
                                         {"ids", {{"x", {7}}}},
                                         {"ids", {"x"}},
                                         {"ids", {{"nothing that is counted", {"i-1"}}}},
                                         {"why", "all is lost"},
                                         {"why", {7}},
                                         {"not_checked", "refunds"},
                                         {"conservation", "broken"},
                                         {"conservation", {{"detail", "short"}}},
                                         {"conservation", {{"ok", "no"}}},
                                         {"conservation", {{"ok", true}, {"detail", 3}}}}));
  json printed = {{"verdict", "valid"}, {"counts", {{{"name", "x"}, {"value", 1}}}}};
  CHECK(of(printed).verdict == "valid");
  printed[key] = value;
  INFO(printed.dump());
  CHECK(of(printed).verdict == "unknown");
  CHECK(first_why(of(printed)).find(cat("`", key, "`")) == 0);
  printed["verdict"] = "invalid";
  CHECK(of(printed).verdict == "invalid");
  CHECK(first_why(of(printed)).find(cat("`", key, "`")) == 0);
}

TEST_CASE("an audit without a verdict is unknown, and its words are shown") {
  const json printed = GENERATE(json("no such table"), json({{"verdict", "fine"}}), json({1}),
                                json({{"verdict", 1}}));
  const auto outcome = of(printed);
  CHECK(outcome.verdict == "unknown");
  CHECK(first_why(outcome) == "the audit program printed no verdict");
  CHECK(outcome.audit.at("why").at(1).get<std::string>().find("looking") != std::string::npos);
}

TEST_CASE("why an audit program has no outcome reads as English, whatever its agent says") {
  for (const char* error : {"ended with code 7", "did not end within 90s", "agent restarted"}) {
    const auto outcome = read_audit({{"state", "failed"}, {"error", error}});
    CHECK(outcome.verdict == "unknown");
    CHECK(first_why(outcome) == cat("the audit program failed: ", error));
  }
}

TEST_CASE("an audit that cannot tell is unknown by its own words alone") {
  const auto outcome = of({{"verdict", "unknown"}, {"why", {"the queue is away"}}});
  CHECK(outcome.verdict == "unknown");
  CHECK(outcome.audit.at("why") == json({"the queue is away"}));
}

}  // namespace
}  // namespace panshi::controller
