// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/ledger/damages.h"

namespace panshi {
namespace {

using Sold = DamageSite::Sold;
using Ids = std::set<std::string>;
using Plant = std::function<Ids(DamageSite&)>;

std::string where(const Sold& sold) { return cat("order_id = '", sold.order, "'"); }

Plant charge(const std::string& set) {
  return [set](DamageSite& site) {
    const Sold& sold = site.delivered[0];
    site.provider(cat("UPDATE charges SET ", set, " WHERE ", where(sold)));
    return Ids{sold.order};
  };
}
Plant claim(const std::string& set) {
  return [set](DamageSite& site) {
    const Sold& sold = site.with_coupon[0];
    site.coupons(cat("UPDATE claims SET ", set, " WHERE ", where(sold)));
    return Ids{sold.order};
  };
}
Plant goods(const std::string& statement) {
  return [statement](DamageSite& site) {
    site.sql(1, statement);
    return Ids{"music-month"};
  };
}
// The replica is of shard 0.
Plant replica(const std::string& statement) {
  return [statement](DamageSite& site) {
    for (const Sold& sold : site.delivered) {
      if (sold.shard != 0) continue;
      site.at_replica(cat(statement, " WHERE ", where(sold)));
      return Ids{sold.order};
    }
    return Ids{};
  };
}

std::vector<Damage> of_goods_and_charges() {
  return {
      {"another price in one shard",
       {"mariadb.products.price_cents"},
       "misrecorded",
       goods("UPDATE products SET price_cents = 1 WHERE product = 'music-month'")},
      {"another title in one shard",
       {"mariadb.products.title"},
       "misrecorded",
       goods("UPDATE products SET title = 'x' WHERE product = 'music-month'")},
      {"a product that nobody sells",
       {"mariadb.products.product"},
       "misrecorded",
       [](DamageSite& site) {
         site.sql(1, "INSERT INTO products VALUES ('secret', 'Secret', 100, 0)");
         return Ids{"secret"};
       }},
      {"one more in stock at first",
       {"mariadb.products.stock_initial"},
       "conservation",
       goods("UPDATE products SET stock_initial = stock_initial + 1"
             " WHERE product = 'music-month'")},
      {"an event of an order that is not there",
       {"mariadb.outbox.order_id"},
       "unexpected",
       [](DamageSite& site) {
         site.sql(1, "INSERT INTO outbox (subject, order_id) VALUES ('order.delivered', 'o-no')");
         return Ids{"o-no"};
       }},

      {"paid, but the charge is gone",
       {"psp.charges.order_id"},
       "mischarged",
       [](DamageSite& site) {
         site.provider(cat("DELETE FROM charges WHERE ", where(site.delivered[0])));
         return Ids{site.delivered[0].order};
       }},
      {"another amount was charged",
       {"psp.charges.amount_cents"},
       "mischarged",
       charge("amount_cents = amount_cents + 1")},
      {"another user was charged",
       {"psp.charges.user_id"},
       "misgiven",
       charge("user_id = 'u-another'")},
      {"the charge is that of an unpaid order",
       {"psp.charges.order_id"},
       "mischarged",
       [](DamageSite& site) {
         site.provider(cat("UPDATE charges SET order_id = '", site.unpaid[0].order,
                           "', user_id = '", site.unpaid[0].user, "' WHERE ",
                           where(site.delivered[0])));
         return Ids{site.delivered[0].order, site.unpaid[0].order};
       }},
      {"a charge without an order",
       {"psp.charges.order_id"},
       "mischarged",
       [](DamageSite& site) {
         site.provider(
             "INSERT INTO charges (idempotency_key, order_id, user_id, amount_cents,"
             " created_us, details) VALUES ('k', 'o-never', 'u', 5, 1, '{}')");
         return Ids{"o-never"};
       }},
  };
}

std::vector<Damage> of_coupons() {
  return {
      {"a coupon without its claim",
       {"coupons.claims.order_id"},
       "misrecorded",
       [](DamageSite& site) {
         site.coupons(cat("DELETE FROM claims WHERE ", where(site.with_coupon[0])));
         return Ids{site.with_coupon[0].order};
       }},
      {"the claim is of another code",
       {"coupons.claims.code"},
       "misrecorded",
       claim("code = 'ONLY-ONE'")},
      {"the claim is another user's",
       {"coupons.claims.user_id"},
       "misrecorded",
       claim("user_id = 'u-another'")},
      {"the claim gives another discount",
       {"coupons.claims.discount_cents"},
       "misrecorded",
       claim("discount_cents = 1")},
      {"a coupon is used up by an order that is not there",
       {"coupons.claims.settled"},
       "misrecorded",
       [](DamageSite& site) {
         site.coupons("INSERT INTO claims VALUES ('o-never', 'WELCOME', 'u', 1, 1, 1)");
         return Ids{"o-never"};
       }},
      {"a coupon is used up by an order that was sold without",
       {"coupons.claims.settled"},
       "misrecorded",
       [](DamageSite& site) {
         const std::string& order = site.delivered[0].order;
         site.coupons(cat("INSERT INTO claims VALUES ('", order, "', 'WELCOME', 'u', 1, 1, 1)"));
         return Ids{order};
       }},
      {"a coupon was used more often than it may be",
       {"coupons.claims.code"},
       "miscounted",
       [](DamageSite& site) {  // ONLY-ONE may be used once
         for (int i = 0; i < 2; ++i) {
           const Sold& sold = site.with_coupon[static_cast<std::size_t>(i)];
           site.sql(sold.shard, cat("UPDATE orders SET coupon = 'ONLY-ONE' WHERE ", where(sold)));
         }
         return Ids{"ONLY-ONE"};
       },
       [](const DamageSite& site) {
         return Ids{site.with_coupon[0].order, site.with_coupon[1].order};
       }},
  };
}

std::vector<Damage> of_replicas_and_words() {
  return {
      {"a replica has another amount",
       {},
       "diverged",
       replica("UPDATE orders SET amount_cents = 1")},
      {"a replica lacks an order", {}, "diverged", replica("DELETE FROM orders")},
      {"a replica has another card key",
       {},
       "diverged",
       replica("UPDATE card_keys SET card_key = 'ANOTHER-KEY'")},

      {"the customer was told another order",
       {},
       "misgiven",
       [](DamageSite& site) {
         const Sold& sold = site.delivered[0];
         site.log_all(sold.order, cat("o-0123456789abcdef-", sold.product));
         return Ids{sold.order};
       }},
      {"the customer was shown a key that is nowhere",
       {},
       "duplicated",
       [](DamageSite& site) {
         site.log_all(site.delivered[0].card_key, "NEVER-MADE");
         return Ids{site.delivered[0].order};
       }},
      {"the customer was shown another customer's key",
       {},
       "duplicated",
       [](DamageSite& site) {
         site.log_all(site.delivered[0].card_key, site.delivered[1].card_key);
         return Ids{site.delivered[0].order, site.delivered[1].order};
       }},
      {"more was sold than there ever was",
       {"mariadb.products.stock_initial"},
       "oversold",
       [](DamageSite& site) {
         const std::string product = site.delivered[0].product;
         for (int i = 0; i < 3; ++i) {
           site.sql(i,
                    cat("UPDATE products SET stock_initial = 0 WHERE product = '", product, "'"));
         }
         return Ids{product};
       }},
  };
}

}  // namespace

std::vector<Damage> damages_elsewhere() {
  std::vector<Damage> all = of_goods_and_charges();
  for (const auto& part : {of_coupons(), of_replicas_and_words()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace panshi
