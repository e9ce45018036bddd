// SPDX-License-Identifier: Apache-2.0
// Promise: a report whose numbers were touched is found out, and an honest one is not accused.
#include "controller/report/verify.h"

#include <algorithm>
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

TEST_CASE("samples are compared to the last one, of which every mean is made") {
  const nlohmann::json whole = written_and_read_again();
  const std::size_t count = whole["record"]["signals"][0]["samples"].size();
  REQUIRE(count == 60);
  for (std::size_t i = 0; i < count; ++i) {
    nlohmann::json report = whole;
    report["record"]["signals"][0]["samples"][i][1] = -1;
    CHECK(compare_with_samples(report, whole).value()->size() == 1);
  }
}

std::vector<std::string> paths(const Verification& verification) {
  std::vector<std::string> paths;
  for (const Difference& one : verification.differences) paths.push_back(one.path);
  return paths;
}

TEST_CASE("samples at times that cannot be and a record that says too much of itself are found") {
  const nlohmann::json whole = written_and_read_again();
  const auto with = [&](const auto& change) {
    nlohmann::json report = whole;
    change(report["record"]);
    return paths(verify_report(report).value());
  };
  const auto has = [](const std::vector<std::string>& all, const char* path) {
    return std::find(all.begin(), all.end(), path) != all.end();
  };
  CHECK(has(with([](auto& r) {
              auto& samples = r["signals"][0]["samples"];
              samples.insert(samples.begin() + 7, samples[7]);
            }),
            "/record/signals/0/samples/8"));
  CHECK(has(with([](auto& r) { r["signals"][0]["samples"][59][0] = 1; }),
            "/record/signals/0/samples/59"));
  CHECK(has(with([](auto& r) {
              r["signals"][0]["samples"].push_back({History::kStart_us + 6'300'000, 5.0});
            }),
            "/record/signals/0/samples/60"));  // after the drill
  CHECK(has(with([](auto& r) { r["signals"].push_back(r["signals"][0]); }), "/record/signals/1"));
  CHECK(
      has(with([](auto& r) { r["through_seq"] = 1'000'000'000'000'000; }), "/record/through_seq"));
  nlohmann::json report = whole;
  report["record"]["through_seq"] = 1'000'000'000'000'000;
  CHECK(compare_with_journal(report, healed_drill().events).value().at(0).path ==
        "/record/through_seq");
}

TEST_CASE("the report of a drill that is over stays the same whatever comes later") {
  SignalSeries series{"latency_ms", "n", {}};
  for (int i = 0; i < 60; ++i) {
    series.samples.emplace_back(from_us(History::kStart_us + i * 100'000), i * 0.1);
  }
  const SignalSeries early = series;
  History h = healed_drill();
  h.events.back().data["samples"] = {
      {{"signal", "latency_ms"}, {"node", "n"}, {"through_us", to_us(early.samples.back().first)}}};
  const nlohmann::json written = report_json(make_report(h.events, "d-1", {early}));
  h.add(6210, "report.written", {{"report", "d-1"}});
  h.add(33000, "fault.live", {{"fault", "f-1"}, {"kind", "process.pause"}}, "");
  h.add(50000, "incident.closed", {{"why", "all is well"}});
  for (int i = 60; i < 500; ++i) {  // the first two of them from before its end, heard of late
    series.samples.emplace_back(from_us(History::kStart_us + i * 100'000), 77);
  }
  const SignalSeries other{"latency_ms", "late-node", series.samples};
  CHECK(report_json(make_report(h.events, "d-1", {series, other})) == written);
}

TEST_CASE("a report made while the drill went on is not accused for what came later") {
  SignalSeries series{"latency_ms", "n", {}};
  for (int i = 0; i < 60; ++i) {
    series.samples.emplace_back(from_us(History::kStart_us + i * 100'000), i * 0.1);
  }
  const std::vector<Event> journal = healed_drill().events;
  const std::vector<Event> early(journal.begin(), journal.begin() + 10);
  SignalSeries first = series;
  first.samples.resize(25);
  const nlohmann::json report = report_json(make_report(early, "d-1", {first}));
  const SignalSeries other{"ratio", "n", series.samples};
  const nlohmann::json fresh = report_json(make_report(journal, "d-1", {series, other}));
  CHECK(compare_with_samples(report, fresh).value()->empty());
  CHECK(verify_report(report).value().differences.empty());
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
