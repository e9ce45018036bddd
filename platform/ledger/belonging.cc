// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/belonging.h"

#include <algorithm>

#include "core/base/text.h"
#include "platform/storefront/model/order.h"
#include "platform/storefront/model/shard.h"

namespace panshi::shop {
namespace {

class Belonging {
 public:
  Belonging(const Case& c, const Evidence& evidence, Flaws& flaws)
      : case_(c), row_(*c.row), evidence_(evidence), flaws_(flaws) {}

  bool judge() {
    if (!judge_rows()) return false;
    judge_owner();
    judge_columns();
    judge_times();
    judge_price();
    for (const Charge* charge : case_.charges) judge_charge(*charge);
    for (const CardKeyRow* key : case_.keys) judge_key(*key);
    return is_whole_;
  }

 private:
  void flaw(Flaw kind, const std::string& why) {
    flaws_.add(kind, case_.id, why);
    is_whole_ = false;
  }

  // One row an order, over all shards. False: nothing else can be said about it.
  bool judge_rows() {
    if (case_.rows.size() > 1) {
      std::vector<std::string> shards;
      for (const OrderRow* row : case_.rows) {
        shards.push_back(row->shard ? std::to_string(*row->shard) : "?");
      }
      flaw(Flaw::kDuplicated,
           cat("has ", case_.rows.size(), " rows, in the shards ", join(shards, ", ")));
      return false;
    }
    const std::size_t shards = evidence_.shard_count;
    if (shards > 0 && row_.shard && *row_.shard != shard_of(row_.user, shards)) {
      flaw(Flaw::kMisplaced, cat("its row is in shard ", *row_.shard, ", its user ", row_.user,
                                 " belongs to shard ", shard_of(row_.user, shards)));
    }
    return true;
  }

  void judge_owner() {
    const Account* account = case_.account;
    if (!account) return;
    if (account->user != row_.user) {
      flaw(Flaw::kMisgiven,
           cat("ordered by ", account->user, ", in the books it is ", row_.user, "'s"));
    } else if (account->order_key != row_.key) {
      flaw(Flaw::kMisrecorded,
           cat("ordered with the key ", account->order_key, ", in the books it is ", row_.key));
    }
    if (!account->order.empty() && account->order != row_.order) {
      flaw(Flaw::kMisgiven,
           cat("the customer was told ", account->order, ", the books call it ", row_.order));
    }
  }

  // The id and the hash follow from the other columns.
  void judge_columns() {
    const bool has_form = !product_of(row_.order).empty();
    if (has_form && order_id_of(row_.user, row_.key, row_.product) != row_.order) {
      flaw(Flaw::kMisrecorded, "its id is not that of its user, key and product");
    }
    const auto expected = body_hash_of(row_.user, row_.product, row_.quantity, row_.coupon);
    if (!row_.body_hash.empty() && row_.body_hash != expected) {
      flaw(Flaw::kMisrecorded, "its hash is not that of its user, product, quantity and coupon");
    }
    if (row_.quantity < 1) flaw(Flaw::kMisrecorded, cat("is for a quantity of ", row_.quantity));
    if (row_.discount_cents < 0 || (row_.coupon.empty() && row_.discount_cents != 0)) {
      flaw(Flaw::kMisrecorded, cat("has a discount of ", row_.discount_cents, " without a coupon"));
    }
  }

  void judge_times() {
    if (!row_.times) return;
    const auto& [placed, paid, delivered] = *row_.times;
    const bool should_be_paid = case_.is_paid();
    const bool should_be_delivered = case_.is_delivered();
    if (placed <= 0) flaw(Flaw::kMisrecorded, "does not say when it was placed");
    if (should_be_paid != (paid > 0)) {
      flaw(Flaw::kMisrecorded,
           should_be_paid ? "is paid, but does not say when" : "is not paid, but says when");
    }
    if (should_be_delivered != (delivered > 0)) {
      flaw(Flaw::kMisrecorded, should_be_delivered ? "is delivered, but does not say when"
                                                   : "is not delivered, but says when");
    }
  }

  // Prices do not change in this shop: there is nothing that changes one.
  void judge_price() {
    if (!evidence_.products) return;
    const auto product =
        std::find_if(evidence_.products->begin(), evidence_.products->end(),
                     [&](const ProductRow& each) { return each.product == row_.product; });
    if (product == evidence_.products->end()) {
      return flaw(Flaw::kMisrecorded, cat("there is no product ", row_.product));
    }
    if (product->price_cents == 0 || product->is_contradicted) return;
    const std::int64_t price = product->price_cents * row_.quantity;
    if (row_.amount_cents + row_.discount_cents != price) {
      flaw(Flaw::kMischarged, cat("costs ", row_.amount_cents, " with ", row_.discount_cents,
                                  " off, the price is ", price));
    }
  }

  void judge_charge(const Charge& charge) {
    if (charge.user.empty() || charge.user == row_.user) return;
    flaw(Flaw::kMisgiven, cat("charge ", charge.charge, " was taken from ", charge.user,
                              ", the order is ", row_.user, "'s"));
  }

  void judge_key(const CardKeyRow& key) {
    if (!key.product.empty() && key.product != row_.product) {
      flaw(Flaw::kMisgiven,
           cat("its card key is for ", key.product, ", the order is for ", row_.product));
    }
    if (key.shard && row_.shard && *key.shard != *row_.shard) {
      flaw(Flaw::kMisplaced,
           cat("its card key is in shard ", *key.shard, ", its row in shard ", *row_.shard));
    }
    if (key.is_leaving) {
      flaw(Flaw::kDuplicated, "its card key is marked as moved to another shard's free ones");
    }
    if (!key.is_delivered && !case_.is_paid()) {
      flaw(Flaw::kMisrecorded, "a card key is reserved for it, but it is not paid");
    }
  }

  const Case& case_;
  const OrderRow& row_;
  const Evidence& evidence_;
  Flaws& flaws_;
  bool is_whole_ = true;
};

}  // namespace

bool judge_belonging(const Case& c, const Evidence& evidence, Flaws& flaws) {
  return Belonging(c, evidence, flaws).judge();
}

}  // namespace panshi::shop
