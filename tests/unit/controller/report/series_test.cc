// SPDX-License-Identifier: Apache-2.0
// Promise: "worst" is the end that hurts, whatever the signal is called.
#include "controller/report/series.h"

#include <catch2/catch.hpp>

#include "controller/events/named_signals.h"
#include "tests/unit/controller/report/history.h"

namespace panshi::controller {
namespace {

// Values while the fault is in force; before and after it the first of them.
double worst(const std::string& signal, const std::vector<double>& values,
             const nlohmann::json& scenario = nlohmann::json::object()) {
  History h;
  h.add(0, "drill.started", {{"name", "x"}, {"scenario", scenario}});
  h.add(1000, "fault.live", {{"fault", "f"}, {"kind", "process.pause"}});
  h.add(9000, "fault.reverted", {{"fault", "f"}, {"reason", "asked"}});
  h.add(9500, "drill.done", {{"verdict", "pass"}});
  SignalSeries series{signal, "", {}};
  double at_ms = 1000;
  for (const double value : values)
    series.samples.emplace_back(from_us(History::kStart_us + std::int64_t(at_ms += 100) * 1000),
                                value);
  const Report report = make_report(h.events, "d-1", {series});
  return series_facts(report, series).worst.value();
}

TEST_CASE("by its name: down is worse than up, low than high for shares and rates, else high") {
  CHECK(worst("one.up", {1, 0, 1}) == 0);
  CHECK(worst("success_ratio", {1, 0.2, 0.9}) == 0.2);
  CHECK(worst("orders_per_second", {20, 3, 25}) == 3);
  CHECK(worst("latency_ms", {20, 300, 25}) == 300);
}

TEST_CASE("what the scenario wants of it decides before its name") {
  const auto wants = [](const char* is, double value) {
    return nlohmann::json{
        {"steady_state", {{"checks", {{{"signal", "x"}, {"is", is}, {"value", value}}}}}}};
  };
  CHECK(worst("x", {5, 2, 9}, wants(">=", 4)) == 2);
  CHECK(worst("x", {5, 2, 9}, wants("<", 10)) == 9);
  CHECK(worst("x", {3, 2, 9}, wants("==", 3)) == 9);
  CHECK(worst("x", {3, -8, 9}, wants("==", 3)) == -8);
  const nlohmann::json stops = {{"abort_if", {{{"signal", "x"}, {"is", "<"}, {"value", 1}}}}};
  CHECK(worst("x", {5, 2, 9}, stops) == 2);
}

TEST_CASE("the signals of a scenario are named once, in its order, and odd entries passed over") {
  const nlohmann::json scenario = {
      {"steady_state", {{"checks", {{{"signal", "b"}, {"is", ">"}, {"value", 1}}}}}},
      {"expect", {{{"breach", "slow"}}, {{"signal", "a"}, {"is", "<"}, {"value", 2}}, 7}},
      {"abort_if", {{{"signal", "b"}, {"is", "<"}, {"value", 0}}, {{"signal", "c"}}}}};
  CHECK(signals_named(scenario) == std::vector<std::string>{"b", "a"});
  CHECK(signals_named(nullptr).empty());
  History h;
  h.add(0, "drill.started", {{"name", "x"}, {"scenario", scenario}});
  const auto wanted = signals_wanted(h.events, "d-1");
  CHECK(std::vector<std::string>(wanted.end() - 2, wanted.end()) ==
        std::vector<std::string>{"b", "a"});
}

TEST_CASE("a drill that was aborted did not go as planned, and its report does not say so") {
  for (const bool aborted : {false, true}) {
    History h;
    h.add(0, "drill.started", {{"name", "x"}, {"scenario", nlohmann::json::object()}});
    h.add(1000, "fault.live", {{"fault", "f"}, {"kind", "process.pause"}});
    h.add(2000, "fault.reverted", {{"fault", "f"}, {"reason", "asked"}});
    h.add(2500, "drill.done", {{"verdict", "unknown"}, {"aborted", aborted}});
    const std::string text = report_markdown(make_report(h.events, "d-1", {}));
    CHECK((text.find("as planned") == std::string::npos) == aborted);
    CHECK((text.find("was reverted when the drill was aborted") != std::string::npos) == aborted);
  }
}

}  // namespace
}  // namespace panshi::controller
