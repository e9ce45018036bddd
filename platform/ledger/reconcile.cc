// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/reconcile.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "core/base/text.h"
#include "platform/ledger/belonging.h"
#include "platform/ledger/case.h"
#include "platform/ledger/conservation.h"
#include "platform/ledger/details.h"

namespace panshi::shop {
namespace {

using Told = Account::Answer;

class Court {
 public:
  explicit Court(const Evidence& evidence) : evidence_(evidence), file_(evidence, flaws_) {}

  LedgerAudit judge();

 private:
  void note_queue();
  void doubt_what_is_missing();
  void judge_account(const Case& c);
  void judge_promise(const Case& c, bool belongs);
  void judge_unpaid(const Case& c);
  bool judge_agreement(const Case& c);
  bool judge_books(const Case& c);
  bool judge_charges(const Case& c);
  bool judge_keys(const Case& c);
  bool is_for_sale(const std::string& card_key) const;
  void judge_stranger(const Case& c);
  void judge_shared_keys();
  void judge_stock();
  void judge_conservation();
  void conclude();
  void say_what_was_not_checked();

  bool is_settled() const { return evidence_.queue && evidence_.queue->waiting == 0; }
  bool can_still_come(const std::string& order, bool as_placed) const;
  void flaw(Flaw kind, const std::string& id, std::string_view why) { flaws_.add(kind, id, why); }

  const Evidence& evidence_;
  LedgerAudit audit_;
  Flaws flaws_;
  const CaseFile file_;
  std::unordered_set<std::string> queued_placed_;
  std::unordered_set<std::string> queued_paid_;
  std::vector<std::string> doubts_;
};

void Court::note_queue() {
  if (evidence_.queue && evidence_.queue->placed) {
    queued_placed_.insert(evidence_.queue->placed->begin(), evidence_.queue->placed->end());
  }
  if (evidence_.queue && evidence_.queue->paid) {
    queued_paid_.insert(evidence_.queue->paid->begin(), evidence_.queue->paid->end());
  }
}

LedgerAudit Court::judge() {
  audit_.log_bytes = evidence_.log_bytes;
  note_queue();
  doubt_what_is_missing();
  for (const Case& c : file_.cases()) {
    if (c.account) {
      if (file_.is_judged(c)) judge_account(c);
    } else if (evidence_.accounts) {
      judge_stranger(c);
    } else if (c.row) {
      (void)judge_belonging(c, evidence_, flaws_);
      (void)judge_books(c);
    }
  }
  judge_shared_keys();
  judge_details(file_, evidence_, is_settled(), flaws_);
  judge_stock();
  judge_conservation();
  say_what_was_not_checked();
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
  if (!evidence_.orders) return;
  const bool belongs = !c.row || judge_belonging(c, evidence_, flaws_);
  const bool agrees = !c.row || judge_agreement(c);
  judge_promise(c, belongs && agrees);
}

// What the customer was told against the row of his order.
void Court::judge_promise(const Case& c, bool belongs) {
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
  if (!judge_books(c) || !belongs || !evidence_.charges || !evidence_.card_keys) return;
  ++(was_paid ? audit_.ok : audit_.recovered);
}

// Unpaid, and rightly so as far as the customer knows: then nothing may have been taken or given.
void Court::judge_unpaid(const Case& c) {
  if (!c.charges.empty()) {
    // The sweep of the payment service may still be on its way to such a charge.
    flaw(is_settled() ? Flaw::kMischarged : Flaw::kUnsettled, c.id, "charged, but not paid");
  } else if (std::any_of(c.keys.begin(), c.keys.end(),
                         [](const CardKeyRow* key) { return key->is_delivered; })) {
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

// What the customer agreed to against what the books made of it, paid or not.
bool Court::judge_agreement(const Case& c) {
  const Account& account = *c.account;
  if (account.amount_cents != 0 && account.amount_cents != c.row->amount_cents) {
    flaw(Flaw::kMischarged, c.id,
         cat("the customer agreed to ", account.amount_cents, ", the order says ",
             c.row->amount_cents));
    return false;
  }
  if (account.product != c.row->product) {
    flaw(Flaw::kMischarged, c.id,
         cat("the customer ordered ", account.product, ", the order says ", c.row->product));
    return false;
  }
  return true;
}

bool Court::judge_charges(const Case& c) {
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
  if (!is_shown_key_ours && is_for_sale(shown)) return false;  // judge_details names it
  if (!is_shown_key_ours && !c.keys.empty()) {
    flaw(Flaw::kDuplicated, c.id, "the customer was shown another card key than the database has");
    return false;
  }
  const bool has_key = std::any_of(c.keys.begin(), c.keys.end(),
                                   [](const CardKeyRow* key) { return key->is_delivered; });
  if (!has_key || !c.is_delivered()) {
    flaw(is_settled() ? Flaw::kUndelivered : Flaw::kUnsettled, c.id,
         c.keys.empty() ? "paid, but without a card key"
         : has_key      ? "has its card key, but is not delivered"
                        : "paid, but its card key is only reserved");
    return false;
  }
  return true;
}

bool Court::is_for_sale(const std::string& card_key) const {
  const auto& copies = evidence_.details.key_copies;
  return copies && std::any_of(copies->begin(), copies->end(), [&](const KeyCopy& copy) {
           return copy.is_for_sale && copy.card_key == card_key;
         });
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
  for (const Case& c : file_.cases()) {
    if (!file_.is_judged(c)) continue;
    for (const CardKeyRow* key : c.keys) claim(key->card_key, c.id);
  }
  for (const Case& c : file_.cases()) {
    if (!c.account || c.account->card_key.empty() || !file_.is_judged(c)) continue;
    claim(c.account->card_key, c.id);
  }
}

void Court::judge_stock() {
  if (!evidence_.orders || !evidence_.products) return;
  std::unordered_map<std::string_view, std::int64_t> sold;
  for (const Case& c : file_.cases()) {
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
  if (result.conserved == std::optional(false)) flaws_.reasons().push_back(result.detail);
  if (!result.conserved) doubts_.push_back("conservation: " + result.detail);
}

// Whether an event that would write (as_placed) or pay this order may still be in the queue.
bool Court::can_still_come(const std::string& order, bool as_placed) const {
  if (is_settled()) return false;
  if (!evidence_.queue || !evidence_.queue->paid || !evidence_.queue->placed) return true;
  return queued_paid_.contains(order) || (as_placed && queued_placed_.contains(order));
}

// The customers who never looked, and what came before, are known only here.
void Court::say_what_was_not_checked() {
  audit_.not_checked = evidence_.not_checked;
  if (evidence_.since_us > 0) {
    audit_.not_checked.push_back(
        "purchases that began before this audit's time: only counted in the sums");
  }
  std::int64_t unseen = 0;
  for (const Case& c : file_.cases()) {
    unseen += c.account && file_.is_judged(c) && c.is_delivered() && c.account->card_key.empty();
  }
  if (unseen > 0) {
    audit_.not_checked.push_back(
        cat("what the customers of ", unseen, " delivered orders would see: they never looked"));
  }
}

void Court::conclude() {
  bool is_violated = audit_.conserved == std::optional(false);
  for (std::size_t i = 0; i < kFlawCount; ++i) {
    LedgerAudit::Flawed& out = audit_.flawed[i];
    const std::set<std::string>& ids = flaws_.ids(static_cast<Flaw>(i));
    out.count = static_cast<std::int64_t>(ids.size());
    for (const std::string& id : ids) {
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
  audit_.why = std::move(flaws_.reasons());
  audit_.why.insert(audit_.why.end(), doubts_.begin(), doubts_.end());
}

}  // namespace

LedgerAudit reconcile(const Evidence& evidence) { return Court(evidence).judge(); }

}  // namespace panshi::shop
