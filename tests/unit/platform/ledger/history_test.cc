// SPDX-License-Identifier: Apache-2.0
// The promise under test: the log is read as a witness would be heard in court: nothing is added,
// and what was never answered stays unknown.
#include "platform/ledger/history.h"

#include <catch2/catch.hpp>

namespace panshi::shop {
namespace {

using Answer = Account::Answer;

std::string line(Step step, Outcome outcome, std::int64_t at_us = 5) {
  Record record;
  record.at_us = at_us;
  record.customer = "c-1";
  record.step = step;
  record.outcome = outcome;
  record.key = step == Step::kPay ? "p" : "k";
  return to_line(record);
}

Answer placed(const std::vector<Outcome>& outcomes) {
  History history;
  for (const Outcome outcome : outcomes) history.add_line(line(Step::kOrder, outcome));
  std::vector<std::string> doubts;
  const auto accounts = history.take(doubts);
  REQUIRE(accounts.size() == 1);
  CHECK(doubts.empty());
  CHECK(accounts[0].paid == Answer::kNotAsked);
  return accounts[0].placed;
}

TEST_CASE("several tries with one key are one purchase with one answer") {
  using enum Outcome;
  CHECK(placed({kAttempt}) == Answer::kUnknown);
  CHECK(placed({kAttempt, kOk}) == Answer::kAcknowledged);
  CHECK(placed({kAttempt, kRefused}) == Answer::kRefused);
  CHECK(placed({kAttempt, kIndeterminate}) == Answer::kUnknown);
  CHECK(placed({kAttempt, kRefused, kAttempt, kRefused}) == Answer::kRefused);
  CHECK(placed({kAttempt, kIndeterminate, kAttempt, kOk}) == Answer::kAcknowledged);
  CHECK(placed({kAttempt, kIndeterminate, kAttempt, kRefused}) == Answer::kUnknown);
  CHECK(placed({kAttempt, kRefused, kAttempt}) == Answer::kUnknown);
  CHECK(placed({kAttempt, kAttempt, kRefused}) == Answer::kUnknown);
}

TEST_CASE("an account holds what the customer was told, from its first attempt on") {
  History history;
  history.add_line(line(Step::kBrowse, Outcome::kOk, 1));
  history.add_line(line(Step::kOrder, Outcome::kAttempt, 2));
  history.add_line(line(Step::kOrder, Outcome::kIndeterminate, 3));
  history.add_line(line(Step::kOrder, Outcome::kAttempt, 4));
  Record answer = read_line(line(Step::kOrder, Outcome::kOk, 5)).value();
  answer.order = "o-1";
  answer.amount_cents = 990;
  history.add_line(to_line(answer));
  history.add_line(line(Step::kPay, Outcome::kAttempt, 6));
  history.add_line(line(Step::kPay, Outcome::kOk, 7));
  answer.step = Step::kFetch;
  answer.card_key = "K";
  history.add_line(to_line(answer));
  std::vector<std::string> doubts;
  const auto accounts = history.take(doubts);
  REQUIRE(accounts.size() == 1);
  CHECK(accounts[0].placing_us == 2);
  CHECK(accounts[0].order_key == "k");
  CHECK(accounts[0].order == "o-1");
  CHECK(accounts[0].amount_cents == 990);
  CHECK(accounts[0].paid == Answer::kAcknowledged);
  CHECK(accounts[0].card_key == "K");
}

std::vector<std::string> doubts_about(const std::vector<std::string>& lines) {
  History history;
  for (const std::string& text : lines) history.add_line(text);
  std::vector<std::string> doubts;
  (void)history.take(doubts);
  return doubts;
}

TEST_CASE("a torn line at the end of a run is a crash, anywhere else it is a doubt") {
  const std::string whole = line(Step::kOrder, Outcome::kAttempt);
  const std::string start = line(Step::kStart, Outcome::kOk);
  const std::string torn = whole.substr(0, 20);
  CHECK(doubts_about({start, whole, torn}).empty());
  CHECK(doubts_about({start, whole, torn, start, whole}).empty());
  CHECK(doubts_about({start, torn, whole, start}) ==
        std::vector<std::string>{"the customers' log has 1 unreadable lines, the first is line 2"});
  CHECK(doubts_about({start, torn, torn, start}).size() == 1);
  CHECK(doubts_about({torn, torn, torn}) ==
        std::vector<std::string>{"the customers' log has 2 unreadable lines, the first is line 1"});
}

}  // namespace
}  // namespace panshi::shop
