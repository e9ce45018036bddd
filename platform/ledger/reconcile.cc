// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/reconcile.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "core/base/text.h"
#include "platform/ledger/conservation.h"

namespace panshi::shop {
namespace {

using Told = Account::Answer;

// Everything known about one order. What is absent was not found (or its witness not heard).
struct Case {
  std::string id;
  const Account* account = nullptr;
  const OrderRow* row = nullptr;
  std::vector<const Charge*> charges;
  std::vector<const CardKeyRow*> keys;

  bool is_paid() const {
    return row &&
           (row->state == OrderRow::State::kPaid || row->state == OrderRow::State::kDelivered);
  }
  bool is_delivered() const { return row && row->state == OrderRow::State::kDelivered; }
};

class Court {
 public:
  explicit Court(const Evidence& evidence) : evidence_(evidence) {}

  LedgerAudit judge();

 private:
  void gather();
  Case& case_of(const std::string& order);
  void doubt_what_is_missing();
  void judge_account(const Case& c);
  void judge_promise(const Case& c);
  void judge_unpaid(const Case& c);
  bool judge_books(const Case& c);
  bool judge_charges(const Case& c);
  bool judge_keys(const Case& c);
  void judge_stranger(const Case& c);
  void judge_shared_keys();
  void judge_stock();
  void judge_conservation();
  void conclude();

  bool is_judged(const Account& account) const {
    return account.placed != Told::kNotAsked && account.placing_us >= evidence_.since_us;
  }
  bool is_settled() const { return evidence_.queue && evidence_.queue->waiting == 0; }
  bool can_still_come(const std::string& order, bool as_placed) const;
  void flaw(Flaw kind, const std::string& id, std::string_view why);

  const Evidence& evidence_;
  LedgerAudit audit_;
  std::vector<Case> cases_;
  std::unordered_map<std::string, std::size_t> by_order_;
  std::unordered_set<std::string> queued_placed_;
  std::unordered_set<std::string> queued_paid_;
  std::array<std::set<std::string>, kFlawCount> flawed_;
  std::vector<std::string> reasons_;
  std::vector<std::string> doubts_;
};

Case& Court::case_of(const std::string& order) {
  const auto [found, is_new] = by_order_.try_emplace(order, cases_.size());
  if (is_new) cases_.emplace_back().id = order;
  return cases_[found->second];
}

void Court::gather() {
  std::unordered_map<std::string_view, const OrderRow*> by_key;
  if (evidence_.orders) {
    const std::size_t expected = evidence_.orders->size() * 5 / 4;
    by_key.reserve(expected);
    by_order_.reserve(expected);
    cases_.reserve(expected);
    for (const OrderRow& row : *evidence_.orders) {
      by_key.emplace(row.key, &row);
      case_of(row.order).row = &row;
    }
  }
  if (evidence_.accounts) {
    for (const Account& account : *evidence_.accounts) {
      if (account.placed == Told::kNotAsked) continue;
      const auto row = by_key.find(account.order_key);
      // An order that nobody named and nobody wrote down goes by its key.
      const std::string& order = row != by_key.end()      ? row->second->order
                                 : !account.order.empty() ? account.order
                                                          : account.order_key;
      case_of(order).account = &account;
    }
  }
  if (evidence_.charges) {
    for (const Charge& charge : *evidence_.charges)
      case_of(charge.order).charges.push_back(&charge);
  }
  if (evidence_.card_keys) {
    for (const CardKeyRow& key : *evidence_.card_keys) case_of(key.order).keys.push_back(&key);
  }
  if (evidence_.queue && evidence_.queue->placed) {
    queued_placed_.insert(evidence_.queue->placed->begin(), evidence_.queue->placed->end());
  }
  if (evidence_.queue && evidence_.queue->paid) {
    queued_paid_.insert(evidence_.queue->paid->begin(), evidence_.queue->paid->end());
  }
}

LedgerAudit Court::judge() {
  audit_.log_bytes = evidence_.log_bytes;
  gather();
  doubt_what_is_missing();
  for (const Case& c : cases_) {
    if (c.account) {
      if (is_judged(*c.account)) judge_account(c);
    } else if (evidence_.accounts) {
      judge_stranger(c);
    } else if (c.row) {
      (void)judge_books(c);
    }
  }
  judge_shared_keys();
  judge_stock();
  judge_conservation();
  conclude();
  return std::move(audit_);
}

void Court::doubt_what_is_missing() {
  doubts_ = evidence_.doubts;
  const std::pair<bool, const char*> witnesses[] = {
      {evidence_.accounts.has_value(), "the customers' log"},
      {evidence_.orders.has_value(), "the orders in the database"},
      {evidence_.card_keys.has_value(), "the card keys in the database"},
      {evidence_.products.has_value(), "the products in the database"},
      {evidence_.charges.has_value(), "the payment provider's charges"},
      {evidence_.stock.has_value() || !evidence_.has_soft_stock, "the stock in Redis"},
      {evidence_.queue.has_value(), "the queue"},
  };
  for (const auto& [heard, name] : witnesses) {
    if (!heard) doubts_.push_back(cat(name, ": not read"));
  }
  if (evidence_.queue && evidence_.queue->waiting > 0) {
    doubts_.push_back(cat("the queue has not settled: ", evidence_.queue->waiting,
                          " messages wait for their consumer"));
  }
}

void Court::judge_account(const Case& c) {
  const Account& account = *c.account;
  ++audit_.attempted;
  audit_.placed += account.placed == Told::kAcknowledged;
  audit_.acknowledged += account.paid == Told::kAcknowledged;
  audit_.indeterminate += account.paid == Told::kUnknown || account.placed == Told::kUnknown;
  if (evidence_.orders) judge_promise(c);
}

// What the customer was told against the row of his order.
void Court::judge_promise(const Case& c) {
  const Account& account = *c.account;
  const bool was_paid = account.paid == Told::kAcknowledged;
  const bool was_placed = account.placed == Told::kAcknowledged || was_paid;
  if (!c.row && was_placed) {
    const bool may_come = can_still_come(c.id, true);
    return flaw(may_come ? Flaw::kUnsettled : Flaw::kLost, c.id,
                was_paid ? "payment acknowledged, but no such order in the database"
                         : "order acknowledged, but no such order in the database");
  }
  if (was_paid && !c.is_paid()) {
    return flaw(can_still_come(c.id, false) ? Flaw::kUnsettled : Flaw::kLost, c.id,
                "payment acknowledged, but unpaid in the database");
  }
  if (!c.is_paid()) return judge_unpaid(c);
  if (account.paid == Told::kRefused || account.paid == Told::kNotAsked) {
    return flaw(Flaw::kUnexpected, c.id,
                account.paid == Told::kRefused ? "payment refused, but paid in the database"
                                               : "payment never asked for, but paid");
  }
  if (!judge_books(c) || !evidence_.charges || !evidence_.card_keys) return;
  ++(was_paid ? audit_.ok : audit_.recovered);
}

// Unpaid, and rightly so as far as the customer knows: then nothing may have been taken or given.
void Court::judge_unpaid(const Case& c) {
  if (!c.charges.empty()) {
    // The sweep of the payment service may still be on its way to such a charge.
    flaw(is_settled() ? Flaw::kMischarged : Flaw::kUnsettled, c.id, "charged, but not paid");
  } else if (!c.keys.empty()) {
    flaw(Flaw::kMischarged, c.id, "has a card key, but never paid");
  } else if (c.row && c.account && c.account->placed == Told::kRefused) {
    flaw(Flaw::kUnexpected, c.id, "order refused, but kept in the database");
  }
}

// A paid order: charged once and rightly, one key. True when whole.
bool Court::judge_books(const Case& c) {
  if (!c.is_paid()) {
    judge_unpaid(c);
    return false;
  }
  const bool charges_right = judge_charges(c);
  const bool keys_right = judge_keys(c);
  return charges_right && keys_right;
}

bool Court::judge_charges(const Case& c) {
  const Account* account = c.account;
  if (account && account->amount_cents != 0 && account->amount_cents != c.row->amount_cents) {
    flaw(Flaw::kMischarged, c.id,
         cat("the customer agreed to ", account->amount_cents, ", the order says ",
             c.row->amount_cents));
    return false;
  }
  if (account && account->product != c.row->product) {
    flaw(Flaw::kMischarged, c.id,
         cat("the customer ordered ", account->product, ", the order says ", c.row->product));
    return false;
  }
  if (!evidence_.charges) return true;
  if (c.charges.size() > 1) {
    flaw(Flaw::kDuplicated, c.id, cat("charged ", c.charges.size(), " times"));
    return false;
  }
  if (c.charges.empty()) {
    flaw(Flaw::kMischarged, c.id, "paid in the database, but never charged");
    return false;
  }
  if (c.charges.front()->amount_cents != c.row->amount_cents) {
    flaw(
        Flaw::kMischarged, c.id,
        cat("charged ", c.charges.front()->amount_cents, " for an order of ", c.row->amount_cents));
    return false;
  }
  return true;
}

bool Court::judge_keys(const Case& c) {
  if (!evidence_.card_keys) return true;
  if (c.keys.size() > static_cast<std::size_t>(c.row->quantity)) {
    flaw(Flaw::kDuplicated, c.id, cat("given ", c.keys.size(), " card keys"));
    return false;
  }
  const std::string shown = c.account ? c.account->card_key : "";
  const bool is_shown_key_ours =
      shown.empty() || std::any_of(c.keys.begin(), c.keys.end(),
                                   [&](const CardKeyRow* key) { return key->card_key == shown; });
  if (!is_shown_key_ours) {
    flaw(Flaw::kDuplicated, c.id, "the customer was shown another card key than the database has");
    return false;
  }
  if (c.keys.empty() || !c.is_delivered()) {
    flaw(
        is_settled() ? Flaw::kUndelivered : Flaw::kUnsettled, c.id,
        c.keys.empty() ? "paid, but without a card key" : "has its card key, but is not delivered");
    return false;
  }
  return true;
}

// Something in the shop's books that no customer ever asked for.
void Court::judge_stranger(const Case& c) {
  const auto found = [&](Flaw kind, std::string_view why) {
    flaw(evidence_.customers_at_rest ? kind : Flaw::kUnsettled, c.id, why);
  };
  if (c.row) return found(Flaw::kUnexpected, "in the database, but never attempted");
  if (!c.charges.empty()) return found(Flaw::kMischarged, "charged without an order");
  if (!c.keys.empty()) found(Flaw::kUnexpected, "a card key was given without an order");
}

// One key must not serve two orders, whoever says so.
void Court::judge_shared_keys() {
  std::unordered_map<std::string_view, std::string_view> owner;  // key to order
  const auto claim = [&](std::string_view card_key, const std::string& order) {
    const auto [found, is_first] = owner.try_emplace(card_key, order);
    if (is_first || found->second == order) return;
    const std::string why = cat("two orders have the same card key: ", found->second, ", ", order);
    flaw(Flaw::kDuplicated, std::string(found->second), why);
    flaw(Flaw::kDuplicated, order, why);
  };
  for (const Case& c : cases_) {
    if (c.account && !is_judged(*c.account)) continue;
    for (const CardKeyRow* key : c.keys) claim(key->card_key, c.id);
  }
  for (const Case& c : cases_) {
    if (!c.account || c.account->card_key.empty() || !is_judged(*c.account)) continue;
    claim(c.account->card_key, c.id);
  }
}

void Court::judge_stock() {
  if (!evidence_.orders || !evidence_.products) return;
  std::unordered_map<std::string_view, std::int64_t> sold;
  for (const Case& c : cases_) {
    if (c.is_paid()) sold[c.row->product] += c.row->quantity;
  }
  for (const ProductRow& product : *evidence_.products) {
    const auto found = sold.find(product.product);
    if (found == sold.end() || found->second <= product.stock_initial) continue;
    flaw(Flaw::kOversold, product.product,
         cat("sold ", found->second, " of ", product.stock_initial));
  }
}

void Court::judge_conservation() {
  const Conservation result = check_conservation(evidence_);
  audit_.conserved = result.conserved;
  audit_.conservation_detail = result.detail;
  if (result.conserved == std::optional(false)) reasons_.push_back(result.detail);
  if (!result.conserved) doubts_.push_back("conservation: " + result.detail);
}

// Whether an event that would write (as_placed) or pay this order may still be in the queue.
bool Court::can_still_come(const std::string& order, bool as_placed) const {
  if (is_settled()) return false;
  if (!evidence_.queue || !evidence_.queue->paid || !evidence_.queue->placed) return true;
  return queued_paid_.contains(order) || (as_placed && queued_placed_.contains(order));
}

void Court::flaw(Flaw kind, const std::string& id, std::string_view why) {
  flawed_[static_cast<std::size_t>(kind)].insert(id);
  if (kind == Flaw::kUnsettled || reasons_.size() >= LedgerAudit::kReasonsMax) return;
  reasons_.push_back(cat(flaw_name(kind), " ", id, ": ", why));
}

void Court::conclude() {
  bool is_violated = audit_.conserved == std::optional(false);
  for (std::size_t i = 0; i < kFlawCount; ++i) {
    LedgerAudit::Flawed& out = audit_.flawed[i];
    out.count = static_cast<std::int64_t>(flawed_[i].size());
    for (const std::string& id : flawed_[i]) {
      if (out.ids.size() == LedgerAudit::kIdsMax) break;
      out.ids.push_back(id);
    }
    is_violated = is_violated || (out.count > 0 && static_cast<Flaw>(i) != Flaw::kUnsettled);
  }
  if (const auto late = audit_.of(Flaw::kUnsettled).count; late > 0) {
    doubts_.push_back(cat(late, " orders have not settled"));
  }
  audit_.verdict = is_violated       ? Verdict::kInvalid
                   : doubts_.empty() ? Verdict::kValid
                                     : Verdict::kUnknown;
  audit_.why = std::move(reasons_);
  audit_.why.insert(audit_.why.end(), doubts_.begin(), doubts_.end());
}

}  // namespace

LedgerAudit reconcile(const Evidence& evidence) { return Court(evidence).judge(); }

}  // namespace panshi::shop
