// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/history.h"

#include <utility>

#include "core/base/text.h"

namespace panshi::shop {

// An acknowledgement settles everything. A refusal says nothing about an earlier try that was never
// answered: that one may still have happened.
void History::Tries::add(Outcome outcome) {
  if (outcome == Outcome::kAttempt) {
    is_unknown = is_unknown || is_open;
    is_open = true;
    return;
  }
  is_open = false;
  if (outcome == Outcome::kOk) is_acknowledged = true;
  if (outcome == Outcome::kRefused) is_refused = true;
  if (outcome == Outcome::kIndeterminate) is_unknown = true;
}

Account::Answer History::Tries::answer() const {
  if (is_acknowledged) return Account::Answer::kAcknowledged;
  if (is_open || is_unknown) return Account::Answer::kUnknown;
  return is_refused ? Account::Answer::kRefused : Account::Answer::kNotAsked;
}

void History::add_line(std::string_view line) {
  ++line_;
  if (line.empty()) return;
  const auto record = read_line(line);
  if (torn_line_ != 0 && !(record && record->step == Step::kStart)) {
    if (bad_lines_++ == 0) first_bad_line_ = torn_line_;
  }
  torn_line_ = record ? 0 : line_;
  if (record) add(*record);
}

void History::add(const Record& record) {
  if (record.step != Step::kOrder && record.step != Step::kPay && record.step != Step::kFetch) {
    return;
  }
  const auto [found, is_new] = by_customer_.try_emplace(record.customer, foldings_.size());
  if (is_new) foldings_.emplace_back().account.customer = record.customer;
  Folding& folding = foldings_[found->second];
  Account& account = folding.account;
  if (record.step == Step::kOrder) {
    if (account.placing_us == 0) account.placing_us = record.at_us;
    account.order_key = record.key;
    account.product = record.product;
    account.user = record.user;
    folding.placing.add(record.outcome);
  } else if (record.step == Step::kPay) {
    folding.paying.add(record.outcome);
  } else {
    account.card_key = record.card_key;
  }
  if (!record.order.empty()) account.order = record.order;
  if (record.amount_cents != 0) account.amount_cents = record.amount_cents;
}

std::vector<Account> History::take(std::vector<std::string>& doubts) {
  if (bad_lines_ > 0) {
    doubts.push_back(cat("the customers' log has ", bad_lines_,
                         " unreadable lines, the first is line ", first_bad_line_));
  }
  std::vector<Account> accounts;
  accounts.reserve(foldings_.size());
  for (Folding& folding : foldings_) {
    folding.account.placed = folding.placing.answer();
    folding.account.paid = folding.paying.answer();
    accounts.push_back(std::move(folding.account));
  }
  *this = History();
  return accounts;
}

}  // namespace panshi::shop
