// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/details.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

using State = OrderRow::State;

class DetailsCourt {
 public:
  DetailsCourt(const CaseFile& file, const Evidence& evidence, bool is_settled, Flaws& flaws)
      : file_(file),
        evidence_(evidence),
        details_(evidence.details),
        late_(is_settled ? Flaw::kMiscounted : Flaw::kUnsettled),
        flaws_(flaws) {}

  void judge() {
    judge_catalog();
    judge_outbox();
    for (const ReplicaDifference& one : details_.differences) {
      flaws_.add(Flaw::kDiverged, one.id, cat(one.what, " at the replica ", one.replica));
    }
    judge_copies();
    if (details_.coupons) judge_coupons(*details_.coupons);
    if (!details_.holds || !details_.product_holds || !evidence_.orders) return;
    for (const Case& c : file_.cases()) {
      if (c.row && file_.is_judged(c)) judge_hold(c);
    }
    for (const auto& [product, one] : *details_.product_holds) judge_product(product, one);
  }

 private:
  void judge_catalog();
  void judge_outbox();
  void judge_copies();
  void judge_coupons(const CouponBookFacts& book);
  void judge_claim_of(const Case& c, const CouponClaim* claim);
  void judge_hold(const Case& c);
  void judge_fields(const Case& c, const HoldFacts& hold);
  void judge_product(const std::string& product, const ProductHolds& holds);
  void judge_sold(const std::string& product, const ProductHolds& holds);
  void judge_pool(const std::string& product, const StockRow& stock);

  const CaseFile& file_;
  const Evidence& evidence_;
  const Details& details_;
  const Flaw late_;  // for what may still come right
  Flaws& flaws_;
};

// Price and title are the same in every shard, and what Redis tells the pages.
void DetailsCourt::judge_catalog() {
  if (!evidence_.products) return;
  for (const ProductRow& product : *evidence_.products) {
    if (product.is_contradicted) {
      flaws_.add(Flaw::kMisrecorded, product.product, "its price or title differ between shards");
      continue;
    }
    if (!details_.catalog) continue;
    const auto told = details_.catalog->find(product.product);
    if (told == details_.catalog->end()) {
      flaws_.add(Flaw::kMisrecorded, product.product, "the list of goods in Redis has it not");
    } else if (told->second.price_cents != product.price_cents ||
               told->second.title != product.title) {
      flaws_.add(Flaw::kMisrecorded, product.product,
                 cat("the list of goods in Redis says `", told->second.title, "` for ",
                     told->second.price_cents, ", the database `", product.title, "` for ",
                     product.price_cents));
    }
  }
  if (!details_.catalog) return;
  for (const auto& [name, told] : *details_.catalog) {
    const bool is_known =
        std::any_of(evidence_.products->begin(), evidence_.products->end(),
                    [&, &product = name](const ProductRow& row) { return row.product == product; });
    if (!is_known) {
      flaws_.add(Flaw::kMisrecorded, name, "is in the list of goods, but not in the database");
    }
  }
}

void DetailsCourt::judge_outbox() {
  for (const std::string& order : evidence_.outbox) {
    const Case* c = file_.find(order);
    if (!c || !c->row) {
      flaws_.add(Flaw::kUnexpected, order, "an event waits for an order that is not there");
    } else {
      flaws_.add(Flaw::kUnsettled, order, "an event of it waits in the outbox");
    }
  }
}

// A key that somebody has is nowhere for sale; one that a customer was shown is somebody's.
void DetailsCourt::judge_copies() {
  if (!details_.key_copies) return;
  std::unordered_map<std::string_view, std::vector<const KeyCopy*>> copies;
  for (const KeyCopy& copy : *details_.key_copies) copies[copy.card_key].push_back(&copy);
  const auto shop_of = [&](const std::string& card_key) -> const KeyCopy* {
    for (const KeyCopy* copy : copies[card_key]) {
      if (copy->is_for_sale) return copy;
    }
    return nullptr;
  };
  for (const Case& c : file_.cases()) {
    if (!file_.is_judged(c)) continue;
    for (const CardKeyRow* key : c.keys) {
      if (const KeyCopy* copy = shop_of(key->card_key)) {
        flaws_.add(Flaw::kDuplicated, c.id,
                   cat("its card key is for sale again in shard ", copy->shard));
      }
    }
    const std::string shown = c.account ? c.account->card_key : "";
    const bool is_his = std::any_of(c.keys.begin(), c.keys.end(),
                                    [&](const CardKeyRow* key) { return key->card_key == shown; });
    if (shown.empty() || is_his) continue;
    if (const KeyCopy* copy = shop_of(shown)) {
      flaws_.add(Flaw::kMisgiven, c.id,
                 cat("the customer was shown a card key that is free in shard ", copy->shard,
                     " and may be sold again"));
    }
  }
}

void DetailsCourt::judge_claim_of(const Case& c, const CouponClaim* claim) {
  const OrderRow& row = *c.row;
  if (row.coupon.empty()) {
    // One that is not settled is given back to whoever asks for it: its answer was lost, and the
    // customer bought without.
    if (claim && claim->is_settled && c.is_paid()) {
      flaws_.add(Flaw::kMisrecorded, c.id,
                 cat("uses up the coupon ", claim->code, ", but was sold without"));
    }
    return;
  }
  if (row.state == State::kExpired) return;  // its coupon is free again
  if (!claim) {
    flaws_.add(Flaw::kMisrecorded, c.id, cat("has the coupon ", row.coupon, " without a claim"));
  } else if (claim->code != row.coupon || claim->user != row.user ||
             claim->discount_cents != row.discount_cents) {
    flaws_.add(
        Flaw::kMisrecorded, c.id,
        cat("has ", row.discount_cents, " off by ", row.coupon, " for ", row.user,
            ", its claim says ", claim->discount_cents, " by ", claim->code, " for ", claim->user));
  }
}

void DetailsCourt::judge_coupons(const CouponBookFacts& book) {
  std::unordered_map<std::string_view, const CouponClaim*> claims;
  for (const CouponClaim& claim : book.claims) {
    claims.emplace(claim.order, &claim);
    const Case* c = file_.find(claim.order);
    if (claim.is_settled && evidence_.orders && (!c || !c->row) && !(c && c->account)) {
      flaws_.add(Flaw::kMisrecorded, claim.order,
                 cat("used up the coupon ", claim.code, ", but there is no such order"));
    }
  }
  std::map<std::string, std::int64_t> uses;
  std::map<std::pair<std::string, std::string>, std::string> by_user;
  for (const Case& c : file_.cases()) {
    if (!c.row) continue;
    const auto claim = claims.find(c.row->order);
    if (file_.is_judged(c)) judge_claim_of(c, claim == claims.end() ? nullptr : claim->second);
    if (c.row->coupon.empty() || !c.is_paid()) continue;
    ++uses[c.row->coupon];
    const auto [first, is_first] = by_user.emplace(std::pair(c.row->coupon, c.row->user), c.id);
    if (!is_first) {
      const std::string why = cat(c.row->user, " used the coupon ", c.row->coupon,
                                  " twice: ", first->second, ", ", c.id);
      flaws_.add(Flaw::kMisrecorded, first->second, why);
      flaws_.add(Flaw::kMisrecorded, c.id, why);
    }
  }
  for (const auto& [code, count] : uses) {
    const auto max = book.uses_max.find(code);
    if (max == book.uses_max.end()) continue;  // taken from the list since
    if (count > max->second) {
      flaws_.add(Flaw::kMiscounted, code, cat("used ", count, " times of ", max->second));
    }
  }
}

// What Redis says is what the customer sees on his page.
void DetailsCourt::judge_hold(const Case& c) {
  const auto found = details_.holds->find(c.id);
  const State state = c.row->state;
  if (found == details_.holds->end()) {  // kept for a day; an unpaid one as long as it can be paid
    if (state == State::kPlaced) flaws_.add(late_, c.id, "not paid yet, and not held in Redis");
    return;
  }
  const HoldFacts& hold = found->second;
  judge_fields(c, hold);
  if (hold.order.state == state) return;
  constexpr std::array<std::string_view, 4> kNames = {"placed", "paid", "delivered", "expired"};
  const auto name = [&](State which) { return kNames[static_cast<std::size_t>(which)]; };
  // The database hears of an expiry a moment later.
  const bool is_on_its_way = state == State::kPlaced && hold.order.state == State::kExpired;
  flaws_.add(is_on_its_way ? Flaw::kUnsettled : late_, c.id,
             cat(name(state), " in the database, ", name(hold.order.state), " in Redis"));
}

void DetailsCourt::judge_fields(const Case& c, const HoldFacts& hold) {
  const OrderRow& row = *c.row;
  const OrderRow& told = hold.order;
  std::vector<std::string> differences;
  const auto compare = [&](const char* name, const auto& in_redis, const auto& in_database) {
    if (in_redis == in_database) return;
    differences.push_back(cat(name, " ", in_redis, " instead of ", in_database));
  };
  compare("order", told.order, row.order);
  compare("user", told.user, row.user);
  compare("product", told.product, row.product);
  compare("quantity", told.quantity, row.quantity);
  compare("amount", told.amount_cents, row.amount_cents);
  compare("key", told.key, row.key);
  compare("hash", told.body_hash, row.body_hash);
  compare("coupon", told.coupon, row.coupon);
  compare("discount", told.discount_cents, row.discount_cents);
  if (!differences.empty()) {
    flaws_.add(Flaw::kMisrecorded, c.id, cat("Redis says ", join(differences, ", ")));
  }
  const bool is_his = hold.card_key.empty() ||
                      std::any_of(c.keys.begin(), c.keys.end(), [&](const CardKeyRow* key) {
                        return key->card_key == hold.card_key;
                      });
  if (!is_his) {
    flaws_.add(Flaw::kMisgiven, c.id,
               "Redis shows the customer another card key than the database has for him");
  }
}

void DetailsCourt::judge_product(const std::string& product, const ProductHolds& holds) {
  std::int64_t held = 0;
  for (const std::string& order : holds.holding) {
    const auto hold = details_.holds->find(order);
    held += hold == details_.holds->end() ? 1 : hold->second.order.quantity;
    const Case* c = file_.find(order);
    if ((c && (c->row || c->account)) || !evidence_.accounts) continue;
    flaws_.add(evidence_.customers_at_rest ? Flaw::kUnexpected : Flaw::kUnsettled, order,
               "Redis holds stock for an order that nobody attempted");
  }
  for (const Case& c : file_.cases()) {
    if (c.row && c.row->state == State::kPaid && c.row->product == product) {
      held += c.row->quantity;
    }
  }
  if (held != holds.stock.held) {
    flaws_.add(late_, product,
               cat("Redis holds ", holds.stock.held, ", its unpaid orders make ", held));
  }
  judge_sold(product, holds);
  judge_pool(product, holds.stock);
}

void DetailsCourt::judge_sold(const std::string& product, const ProductHolds& holds) {
  const std::set<std::string_view> sold(holds.sold.begin(), holds.sold.end());
  for (const std::string& order : holds.sold) {
    const Case* c = file_.find(order);
    if (c && (c->is_paid() || (c->account && !c->row))) continue;  // without a row: it is lost
    flaws_.add(late_, order, "counted as sold in Redis, but not paid");
  }
  for (const Case& c : file_.cases()) {
    if (!c.is_delivered() || c.row->product != product || sold.contains(c.id)) continue;
    const auto hold = details_.holds->find(c.id);
    const bool is_uncounted = hold != details_.holds->end() && hold->second.is_uncounted;
    if (!is_uncounted && file_.is_judged(c)) {
      flaws_.add(late_, c.id, "delivered, but not counted as sold in Redis");
    }
  }
}

// What Redis sells must be there to be delivered, and what is there must be for sale.
void DetailsCourt::judge_pool(const std::string& product, const StockRow& stock) {
  if (!details_.pools) return;
  const auto found = details_.pools->find(product);
  const KeyPool pool = found == details_.pools->end() ? KeyPool{} : found->second;
  const std::int64_t wanted = stock.free + stock.held;
  const std::int64_t ready = pool.free + pool.reserved;
  if (wanted >= ready && wanted <= ready + pool.travelling) return;
  flaws_.add(late_, product,
             cat("Redis sells ", wanted, " (", stock.free, " free, ", stock.held,
                 " held), the databases have ", ready, " card keys for them"));
}

}  // namespace

void judge_details(const CaseFile& file, const Evidence& evidence, bool is_settled, Flaws& flaws) {
  DetailsCourt(file, evidence, is_settled, flaws).judge();
}

}  // namespace panshi::shop
