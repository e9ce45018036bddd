// SPDX-License-Identifier: Apache-2.0
// Promise: a report whose numbers were touched is found out, and an honest one is not accused.
#include "controller/report/verify.h"

#include <catch2/catch.hpp>

#include "controller/report/report.h"
#include "core/json/fields.h"
#include "tests/unit/controller/report/history.h"

namespace panshi::controller {
namespace {

nlohmann::json written_and_read_again() {
  SignalSeries series{"latency_ms", "n", {}};
  for (int i = 0; i < 60; ++i) {
    series.samples.emplace_back(from_us(History::kStart_us + i * 100'000), i * 0.1);
  }
  const Report report = make_report(healed_drill().events, "d-1", {series});
  return nlohmann::json::parse(dump_json_pretty(report_json(report)));
}

TEST_CASE("an untouched report verifies, and much of it was recomputed") {
  const Verification verification = verify_report(written_and_read_again()).value();
  CHECK(verification.differences.empty());
  CHECK(verification.numbers > 100);
}

TEST_CASE("a changed number is named with both values") {
  nlohmann::json report = written_and_read_again();
  report["phases"][2]["since_in_force_ms"] = 12.0;
  const Verification verification = verify_report(report).value();
  REQUIRE(verification.differences.size() == 1);
  CHECK(verification.differences[0].path == "/phases/2/since_in_force_ms");
  CHECK(verification.differences[0].reported == 12.0);
  CHECK(verification.differences[0].recomputed == 150.0);
}

TEST_CASE("a changed event shows in what was read from it, and against the journal") {
  nlohmann::json report = written_and_read_again();
  report["record"]["events"][12]["data"]["audit"]["lost"] = 3;
  CHECK_FALSE(verify_report(report).value().differences.empty());
  const auto differences = compare_with_journal(report, healed_drill().events).value();
  REQUIRE(differences.size() == 1);
  CHECK(differences[0].path == "/record/events/seq 13");
}

TEST_CASE("an event that was removed from the record is named, whichever it is") {
  const nlohmann::json whole = written_and_read_again();
  const std::vector<Event> journal = healed_drill().events;
  CHECK(compare_with_journal(whole, journal).value().empty());
  for (std::size_t i = 0; i < whole["record"]["events"].size(); ++i) {
    nlohmann::json report = whole;
    const std::int64_t seq = report["record"]["events"][i]["seq"];
    report["record"]["events"].erase(i);
    const auto differences = compare_with_journal(report, journal).value();
    REQUIRE(differences.size() == 1);
    CHECK(differences[0].path == "/record/events/seq " + std::to_string(seq));
    CHECK(differences[0].reported.is_null());
  }
}

TEST_CASE("an event that is in the record twice is named") {
  nlohmann::json report = written_and_read_again();
  report["record"]["events"].push_back(report["record"]["events"][3]);
  const auto differences = compare_with_journal(report, healed_drill().events).value();
  REQUIRE(differences.size() == 1);
  CHECK(differences[0].path == "/record/events/seq 4");
}

TEST_CASE("a report that was written earlier lacks nothing of what came later") {
  const std::vector<Event> journal = healed_drill().events;
  const std::vector<Event> early(journal.begin(), journal.begin() + 10);
  const nlohmann::json report = report_json(make_report(early, "d-1", {}));
  CHECK(compare_with_journal(report, journal).value().empty());
}

TEST_CASE("a series that was emptied, changed, added or left out is named") {
  const nlohmann::json whole = written_and_read_again();
  const auto same = compare_with_samples(whole, whole).value();
  REQUIRE(same);
  CHECK(same->empty());
  REQUIRE_FALSE(whole["record"]["signals"].empty());
  REQUIRE_FALSE(whole["record"]["signals"][0]["samples"].empty());
  std::vector<nlohmann::json> damaged(4, whole);
  damaged[0]["record"]["signals"][0]["samples"] = nlohmann::json::array();
  damaged[1]["record"]["signals"][0]["samples"][0][1] = 12345.5;
  damaged[2]["record"]["signals"].erase(0);
  damaged[3]["record"]["signals"].push_back(whole["record"]["signals"][0]);
  damaged[3]["record"]["signals"].back()["signal"] = "never.sent";
  for (const nlohmann::json& report : damaged) {
    const auto differences = compare_with_samples(report, whole).value();
    REQUIRE(differences);
    CHECK(differences->size() == 1);
  }
  nlohmann::json forgotten = whole;
  forgotten["record"]["signals"] = nlohmann::json::array();
  CHECK_FALSE(compare_with_samples(whole, forgotten).value());
}

TEST_CASE("a removed line, an added line and a sentence without source are found") {
  nlohmann::json report = written_and_read_again();
  report["timeline"].erase(0);
  report["summary"].push_back(
      {{"text", "We saved 40 minutes."}, {"cites", nlohmann::json::array()}});
  report["summary"].push_back({{"text", "It took 3 s."}, {"cites", {999}}});
  const Verification verification = verify_report(report).value();
  bool source = false;
  bool unknown = false;
  for (const Difference& one : verification.differences) {
    source = source || one.recomputed == "a sentence with a number cites no event";
    unknown = unknown || one.recomputed == "no such event in the record";
  }
  CHECK(source);
  CHECK(unknown);
}

TEST_CASE("what is missing and what is null are told apart") {
  nlohmann::json report = written_and_read_again();
  report["added"] = nullptr;
  const Verification verification = verify_report(report).value();
  REQUIRE(verification.differences.size() == 1);
  CHECK(verification.differences[0].reported.is_null());
  CHECK(verification.differences[0].recomputed == "(not there)");
}

TEST_CASE("what is no report is refused") {
  CHECK_FALSE(verify_report(nlohmann::json::object()));
  CHECK_FALSE(verify_report(nlohmann::json::array()));
  CHECK_FALSE(verify_report({{"record", {{"events", {1, 2}}}}}));
}

}  // namespace
}  // namespace panshi::controller
