// SPDX-License-Identifier: Apache-2.0
// Promise: every sentence with a number cites its events, diagnoses are graded against what was
// injected, and nothing from outside can become markup.
#include "controller/report/report.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <regex>

#include "tests/unit/controller/report/history.h"

namespace panshi::controller {
namespace {

Report report_of(const History& history) { return make_report(history.events, "d-1", {}); }

History broken(nlohmann::json breach, double breach_at, std::string within = "2s") {
  History h;
  h.add(0, "drill.started",
        {{"scenario", {{"expect", {{{"breach", "slow"}, {"within", within}}}}}}});
  h.add(1000, "fault.live",
        {{"fault", "f"}, {"kind", "process.pause"}, {"target", {{"service", "cardkeys"}}}});
  if (!breach.is_null()) h.add(breach_at, "breach.opened", std::move(breach));
  h.add(5000, "fault.reverted", {{"fault", "f"}, {"reason", "asked"}});
  return h;
}

TEST_CASE("an audit that counts nothing is told without the shop's words") {
  History h;
  h.add(0, "drill.started", {{"name", "x"}, {"scenario", nlohmann::json::object()}});
  h.add(500, "audit.done",
        {{"verdict", "valid"}, {"audit", {{"verdict", "valid"}, {"not_checked", {"refunds"}}}}});
  h.add(600, "drill.done", {{"verdict", "pass"}});
  const std::string text = report_markdown(report_of(h));
  CHECK(text.find("The ledger is valid. One thing was not checked;") != std::string::npos);
  CHECK(text.find("attempted") == std::string::npos);
  CHECK(text.find("undelivered") == std::string::npos);
}

TEST_CASE("every sentence with a digit cites an event of the record") {
  const Report report = report_of(healed_drill());
  REQUIRE_FALSE(report.summary.empty());
  for (const std::vector<Cited>* list : {&report.summary, &report.went_well, &report.went_badly}) {
    for (const Cited& sentence : *list) {
      INFO(sentence.text);
      const bool digit = std::any_of(sentence.text.begin(), sentence.text.end(),
                                     [](char c) { return c >= '0' && c <= '9'; });
      CHECK((!digit || !sentence.cites.empty()));
      for (const std::int64_t seq : sentence.cites) {
        CHECK((seq >= 1 && seq <= static_cast<std::int64_t>(report.events.size())));
      }
    }
  }
}

TEST_CASE("a diagnosis is right, late, wrong or missed") {
  const nlohmann::json right = {{"rule", "slow"}, {"target", {{"service", "cardkeys"}}}};
  const nlohmann::json wrong = {{"rule", "other"}, {"target", {{"service", "redis"}}}};
  CHECK(report_of(broken(right, 1100)).detections.at(0).grade == "right");
  CHECK(report_of(broken(right, 1100, "50ms")).detections.at(0).grade == "late");
  CHECK(report_of(broken(wrong, 1100)).detections.at(0).grade == "wrong");
  CHECK(report_of(broken({}, 0)).detections.at(0).grade == "missed");
}

TEST_CASE("an alarm while nothing is broken is a false alarm") {
  const Report report = report_of(broken({{"rule", "slow"}}, 500));
  REQUIRE(report.detections.size() == 2);
  CHECK(report.detections[0].grade == "missed");
  CHECK(report.detections[1].grade == "false alarm");
}

TEST_CASE("a breach of another rule beside the right one is a consequence") {
  History h = broken({{"rule", "slow"}}, 1100);
  h.add(1200, "breach.opened", {{"rule", "checkout"}});
  const Report report = report_of(h);
  REQUIRE(report.detections.size() == 2);
  CHECK(report.detections[0].grade == "right");
  CHECK(report.detections[1].grade == "consequence");
}

TEST_CASE("another drill's events stay out, a crash meanwhile does not") {
  History h = healed_drill();
  h.events[8].drill = "";  // keeps its place in the drill
  h.events[9].drill = "d-2";
  const Report report = report_of(h);
  CHECK(report.events.size() == h.events.size() - 1);
  CHECK_FALSE(report.faults.at(0).reverted);
}

TEST_CASE("a drill that has not ended says so") {
  History h;
  h.add(0, "drill.started", {{"name", "x"}});
  CHECK(report_of(h).verdict == "running");
  CHECK(report_markdown(report_of(h)).find("has not ended") != std::string::npos);
  CHECK_FALSE(report_html(report_of(h)).empty());
  CHECK_FALSE(report_html(make_report({}, "none", {})).empty());
}

TEST_CASE("text from outside is escaped in HTML and Markdown") {
  History h;
  const std::string evil = "<script>alert('x')</script> | **b** &";
  h.add(0, "drill.started", {{"name", evil}, {"scenario", {{"title", evil}, {"summary", evil}}}});
  h.add(1, "fault.live", {{"fault", evil}, {"kind", evil}, {"target", {{"service", evil}}}});
  h.add(2, "notify.sent", {{"channel", evil}, {"message", evil}});
  h.add(3, "run.started", {{"run", evil}, {"runbook", evil}});
  h.add(4, "step.started", {{"run", evil}, {"step", 0}, {"name", evil}, {"kind", evil}});
  h.add(5, "drill.expectation", {{"text", evil}, {"observed", evil}});
  h.add(6, "audit.done", {{"verdict", evil}, {"audit", {{"ids", {{"lost", {evil}}}}}}});
  h.add(7, "drill.done", {{"verdict", evil}, {"why", {evil}}});
  SignalSeries series{
      evil, evil, {{from_us(History::kStart_us), 1}, {from_us(History::kStart_us + 5000), 2}}};
  const Report report = make_report(h.events, "d-1", {series});
  CHECK(report_html(report).find("<script") == std::string::npos);
  CHECK(std::regex_replace(report_markdown(report), std::regex("`[^`\\n]*`"), "").find("**b**") ==
        std::string::npos);
}

TEST_CASE("the page asks nothing of the network and runs no script") {
  const std::string page = report_html(report_of(healed_drill()));
  for (const char* forbidden : {"http://", "https://", "<script", "@import", "url("}) {
    INFO(forbidden);
    CHECK(page.find(forbidden) == std::string::npos);
  }
}

TEST_CASE("a page is no longer than its data: every breach's signal is wanted once") {
  History h = healed_drill();
  const std::vector<std::string> wanted = signals_wanted(h.events, "d-1");
  CHECK(wanted ==
        std::vector<std::string>{"checkout_success_ratio", "checkout_p95_ms", "latency_ms"});
}

}  // namespace
}  // namespace panshi::controller
