// SPDX-License-Identifier: Apache-2.0
// ShopBooks: the evidence that a correct shop leaves behind, built order by order for tests.
//
// `add` takes what happened to one customer; the books are kept as a correct shop would keep them.
#pragma once

#include <algorithm>
#include <string>

#include "core/base/text.h"
#include "platform/customers/record.h"
#include "platform/ledger/history.h"
#include "platform/ledger/reconcile.h"

namespace panshi::shop {

enum class Fate {
  kBrowsedOnly,
  kPlacingRefused,
  kPlacingLost,  // never answered, and it did not happen
  kPlacingKept,  // never answered, but kept
  kNotPaid,      // placed, and he never came to pay
  kDeclined,
  kPayingLost,  // never answered, and not charged
  kPayingKept,  // never answered, but charged and delivered
  kDelivered,
  kDeliveredUnseen  // the customer never fetched his key
};
constexpr Fate kFates[] = {Fate::kBrowsedOnly,    Fate::kPlacingRefused, Fate::kPlacingLost,
                           Fate::kPlacingKept,    Fate::kNotPaid,        Fate::kDeclined,
                           Fate::kPayingLost,     Fate::kPayingKept,     Fate::kDelivered,
                           Fate::kDeliveredUnseen};
inline bool is_sold(Fate fate) {
  return fate == Fate::kPayingKept || fate == Fate::kDelivered || fate == Fate::kDeliveredUnseen;
}

class ShopBooks {
 public:
  static constexpr std::int64_t kPrice = 990;

  explicit ShopBooks(std::int64_t stock = 1'000) {
    evidence_.orders.emplace();
    evidence_.card_keys.emplace();
    evidence_.charges.emplace();
    evidence_.products = {{"vpn", stock}};
    evidence_.stock = {{"vpn", stock, stock, 0, 0}};
    evidence_.queue = QueueFacts{};
    write(Step::kStart, Outcome::kOk, "");
  }

  // Returns the order's id. `repeats`: tries before the last one that went wrong without a trace.
  std::string add(Fate fate, int repeats = 0) {
    const std::string n = std::to_string(++count_);
    order_ = "o-" + n;
    customer_ = "c-" + n;
    now_us_ += 1'000;
    write(Step::kBrowse, Outcome::kOk, "");
    if (fate == Fate::kBrowsedOnly) return order_;
    place(fate, repeats);
    const bool was_told = fate >= Fate::kNotPaid;
    if (!was_told) return order_;
    if (fate != Fate::kNotPaid) pay(fate, repeats);
    if (is_sold(fate)) deliver(fate);
    return order_;
  }

  // The log ends here; the evidence may be spoilt afterwards.
  Evidence evidence() {
    Evidence made = evidence_;
    History history;
    for (const std::string& line : lines_) history.add_line(line);
    made.accounts = history.take(made.doubts);
    return made;
  }
  std::vector<std::string>& lines() { return lines_; }
  std::int64_t now_us() const { return now_us_; }
  void crash_of_the_customers() {  // with a torn line, and a new run that appends
    lines_.push_back(R"({"at_us":17,"custo)");
    write(Step::kStart, Outcome::kOk, "");
  }

 private:
  void write(Step step, Outcome outcome, const std::string& key) {
    Record record;
    record.at_us = now_us_;
    record.customer = customer_;
    record.step = step;
    record.outcome = outcome;
    record.key = key;
    if (step != Step::kBrowse && step != Step::kStart) record.product = "vpn";
    if (told_) record.order = order_;
    if (told_) record.amount_cents = kPrice;
    if (step == Step::kFetch) record.card_key = "K-" + order_;
    lines_.push_back(to_line(record));
  }

  void tries(Step step, const std::string& key, int repeats) {
    for (int i = 0; i < repeats; ++i) {
      write(step, Outcome::kAttempt, key);
      // Every third one found the customers crashed: no answer at all is in the log.
      if (i % 3 != 2) write(step, Outcome::kIndeterminate, key);
    }
    write(step, Outcome::kAttempt, key);
  }

  void place(Fate fate, int repeats) {
    const std::string key = customer_ + "-order";
    told_ = false;
    if (fate == Fate::kPlacingRefused) {
      write(Step::kOrder, Outcome::kAttempt, key);
      write(Step::kOrder, Outcome::kRefused, key);
      return;
    }
    tries(Step::kOrder, key, repeats);
    if (fate != Fate::kPlacingLost) {
      evidence_.orders->push_back({order_, key, "vpn", 1, kPrice, OrderRow::State::kPlaced});
      --stock().free;
      ++stock().held;
    }
    if (fate == Fate::kPlacingLost || fate == Fate::kPlacingKept) {
      write(Step::kOrder, Outcome::kIndeterminate, key);
      return;
    }
    told_ = true;
    write(Step::kOrder, Outcome::kOk, key);
  }

  void pay(Fate fate, int repeats) {
    const std::string key = customer_ + "-pay";
    if (fate == Fate::kDeclined) {
      write(Step::kPay, Outcome::kAttempt, key);
      write(Step::kPay, Outcome::kRefused, key);
    } else {
      tries(Step::kPay, key, repeats);
      const bool is_unanswered = fate == Fate::kPayingLost || fate == Fate::kPayingKept;
      write(Step::kPay, is_unanswered ? Outcome::kIndeterminate : Outcome::kOk, key);
    }
  }

  void deliver(Fate fate) {
    evidence_.orders->back().state = OrderRow::State::kDelivered;
    evidence_.charges->push_back({"ch-" + order_, order_, kPrice});
    evidence_.card_keys->push_back({order_, "K-" + order_});
    --stock().held;
    ++stock().sold;
    if (fate == Fate::kDelivered) write(Step::kFetch, Outcome::kOk, "");
    told_ = false;
  }

  StockRow& stock() { return evidence_.stock->front(); }

  Evidence evidence_;
  std::vector<std::string> lines_;
  std::int64_t count_ = 0;
  std::int64_t now_us_ = 1'000'000;
  bool told_ = false;
  std::string order_;
  std::string customer_;
};

}  // namespace panshi::shop
