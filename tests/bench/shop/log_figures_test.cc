// SPDX-License-Identifier: Apache-2.0
// The promise: a figure tells how long customers waited, repeats and all, and counts nobody twice.
#include "tests/bench/shop/log_figures.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/bench/shop/figures.h"
#include "tests/support/temporary_folder.h"

namespace panshi::bench {
namespace {

using shop::Outcome;
using shop::Record;
using shop::Step;

Record line(std::int64_t at_ms, Step step, Outcome outcome, std::int64_t status = 0) {
  Record record;
  record.at_us = at_ms * 1'000;
  record.intended_us = 1'000'000;
  record.customer = "c-1";
  record.step = step;
  record.outcome = outcome;
  record.user = "u-7";
  record.status = status;
  return record;
}

LogFigures one_purchase() {
  LogFigures log;
  log.add(line(1'030, Step::kBrowse, Outcome::kOk));
  log.add(line(1'030, Step::kOrder, Outcome::kAttempt));
  log.add(line(1'040, Step::kOrder, Outcome::kRefused, 503));
  log.add(line(1'140, Step::kOrder, Outcome::kAttempt));
  log.add(line(1'150, Step::kOrder, Outcome::kOk));
  log.add(line(1'150, Step::kPay, Outcome::kAttempt));
  log.add(line(1'250, Step::kPay, Outcome::kOk));
  log.add(line(1'400, Step::kFetch, Outcome::kOk));
  return log;
}

TEST_CASE("a step lasts from when it was wanted until it was acknowledged, repeats included") {
  const LogFigures log = one_purchase();
  const std::vector<double> expected = {30, 120, 100, 150};
  for (std::size_t i = 0; i < kSteps.size(); ++i) {
    CHECK(log.step_ms(i, 0, 2'000'000) == std::vector<double>{expected[i]});
  }
  CHECK(log.whole_ms(0, 2'000'000) == std::vector<double>{400});
}

TEST_CASE("who came outside of the span is not in it, and a key counts when it was fetched") {
  const LogFigures log = one_purchase();
  CHECK(log.arrived(1'000'001, 2'000'000) == 0);
  CHECK(log.step_ms(0, 1'000'001, 2'000'000).empty());
  CHECK(log.completed(1'000'000, 1'400'000) == 0);
  CHECK(log.completed(1'400'000, 1'400'001) == 1);
}

TEST_CASE("visits and fraud are no purchases, and a dropped arrival is one that failed") {
  LogFigures log;
  Record visit = line(1'030, Step::kHistory, Outcome::kOk);
  visit.kind = "history";
  log.add(visit);
  Record fraud = line(1'030, Step::kOrder, Outcome::kOk);
  fraud.kind = "fraud";
  log.add(fraud);
  CHECK(log.purchases().empty());
  log.add(line(1'030, Step::kArrive, Outcome::kDropped));
  CHECK(log.arrived(0, 2'000'000) == 1);
  CHECK(log.completed(0, 2'000'000) == 0);
}

TEST_CASE(
    "a key that is late is an answer when the shop said so, and none when it did not answer") {
  for (const auto& [status, promised] : {std::pair<int, bool>{200, true}, {504, false}}) {
    LogFigures log;
    log.add(line(1'250, Step::kPay, Outcome::kOk));
    log.add(line(6'300, Step::kFetch, Outcome::kLate, status));
    CHECK(log.purchases().at("c-1").key_promised == promised);
  }
}

TEST_CASE("a line that is still being written is left out, a damaged one is told") {
  const TemporaryFolder folder;
  const std::string file = (folder / "log").string();
  const std::string whole = to_line(line(1'030, Step::kBrowse, Outcome::kOk));
  std::ofstream(file) << whole << '\n' << whole.substr(0, 20);
  LogFigures log;
  CHECK(log.read(file, 0));
  CHECK(log.purchases().size() == 1);
  std::ofstream(file) << whole.substr(0, 20) << '\n' << whole << '\n';
  CHECK_FALSE(LogFigures().read(file, 0));
  CHECK(LogFigures().read(file, 21));
}

TEST_CASE("percentiles are values that were measured") {
  CHECK(percentile({5, 1, 3}, 50) == 3);
  CHECK(percentile({5, 1, 3}, 99) == 5);
  CHECK(percentile({}, 99) == 0);
}

TEST_CASE("a figure that misses what is asked makes the whole a miss") {
  Figures figures(false);
  figures.part("p");
  figures.add("a", "ms", {200, 300, 250}, at_most(250));
  CHECK(figures.all_met());
  figures.add("b", "/s", 149, at_least(150));
  CHECK_FALSE(figures.all_met());
  CHECK(figures.json()["p"]["figures"][0]["value"] == 250);
  CHECK(figures.json()["p"]["figures"][1]["met"] == false);
}

}  // namespace
}  // namespace panshi::bench
