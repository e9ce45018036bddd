// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/ledger/damages.h"

namespace panshi {
namespace {

using Sold = DamageSite::Sold;
using Ids = std::set<std::string>;

std::string where(const Sold& sold) { return cat("order_id = '", sold.order, "'"); }
Ids product_of_first(const DamageSite& site) { return {site.delivered[0].product}; }

Damage key(const std::string& name, const std::string& column, const std::string& word,
           const std::string& set) {
  return {name,
          {cat("mariadb.card_keys.", column)},
          word,
          [set](DamageSite& site) {
            const Sold& sold = site.delivered[0];
            site.sql(sold.shard, cat("UPDATE card_keys SET ", set, " WHERE ", where(sold)));
            return Ids{sold.order};
          },
          product_of_first};
}

// The lowest free key of the product of the first delivered order, in this shard.
std::string free_key(DamageSite& site, int shard) {
  return cat("key_id = ", site.ask(shard, cat("SELECT MIN(key_id) FROM card_keys WHERE product = '",
                                              site.delivered[0].product,
                                              "' AND order_id IS NULL AND moving_to = -1")));
}

std::vector<Damage> changed_keys() {
  return {
      key("a key that was shown is free again", "order_id", "misgiven",
          "order_id = NULL, delivered_at_us = NULL"),
      key("another key than was shown", "card_key", "duplicated", "card_key = 'ANOTHER-KEY'"),
      key("a key of another product", "product", "misgiven",
          "product = IF(product = 'music-month', 'cloud-100g', 'music-month')"),
      key("a key that is only reserved", "delivered_at_us", "undelivered",
          "delivered_at_us = NULL, reserved_until_us = 1"),
      key("a delivered key on its way to another shard", "moving_to", "duplicated",
          "moving_to = 2"),
      key("a delivered key that left for another shard", "gone", "duplicated", "gone = 1"),
  };
}

// Adds one; the counts of the first delivered order's product may be named as well.
struct Adder {
  std::vector<Damage>& list;
  void operator()(const std::string& name, const std::string& column, const std::string& word,
                  std::function<Ids(DamageSite&)> plant,
                  std::function<Ids(const DamageSite&)> also = product_of_first) const {
    list.push_back({name, {cat("mariadb.card_keys.", column)}, word, std::move(plant), also});
  }
};

void add_of_delivered(const Adder& add) {
  add("a delivered key is nowhere", "card_key", "undelivered", [](DamageSite& site) {
    const Sold& sold = site.delivered[0];
    site.sql(sold.shard, cat("DELETE FROM card_keys WHERE ", where(sold)));
    return Ids{sold.order};
  });
  add("two keys for one order", "order_id", "duplicated", [](DamageSite& site) {
    const Sold& sold = site.delivered[0];
    const int other = (sold.shard + 1) % 3;
    site.sql(other, cat("UPDATE card_keys SET order_id = '", sold.order,
                        "', delivered_at_us = 1 WHERE ", free_key(site, other)));
    return Ids{sold.order};
  });
  add("one key for two orders", "card_key", "duplicated", [](DamageSite& site) {
    const Sold& one = site.delivered[0];
    const Sold* two = nullptr;
    for (const Sold& sold : site.delivered) {
      if (sold.shard != one.shard) two = &sold;
    }
    REQUIRE(two != nullptr);
    site.sql(two->shard,
             cat("UPDATE card_keys SET card_key = '", one.card_key, "' WHERE ", where(*two)));
    return Ids{one.order, two->order};
  });
  add("a key in another shard than its order", "order_id", "misplaced", [](DamageSite& site) {
    const Sold& sold = site.delivered[0];
    site.move("card_keys", where(sold), sold.shard, (sold.shard + 1) % 3);
    return Ids{sold.order};
  });
  add("a delivered key is for sale in another shard", "card_key", "duplicated",
      [](DamageSite& site) {
        const Sold& sold = site.delivered[0];
        site.sql((sold.shard + 1) % 3, cat("INSERT INTO card_keys (product, card_key) VALUES ('",
                                           sold.product, "', '", sold.card_key, "')"));
        return Ids{sold.order};
      });
}

void add_of_others(const Adder& add) {
  add("a key reserved for an unpaid order", "order_id", "misrecorded",
      [](DamageSite& site) {
        const Sold& sold = site.unpaid[0];
        site.sql(sold.shard, cat("UPDATE card_keys SET order_id = '", sold.order,
                                 "', reserved_until_us = 1 WHERE product = '", sold.product,
                                 "' AND order_id IS NULL AND moving_to = -1 LIMIT 1"));
        return Ids{sold.order};
      },
      {});
  add(
      "a key delivered for an unpaid order", "order_id", "mischarged",
      [](DamageSite& site) {
        const Sold& sold = site.unpaid[0];
        site.sql(sold.shard, cat("UPDATE card_keys SET order_id = '", sold.order,
                                 "', delivered_at_us = 1 WHERE product = '", sold.product,
                                 "' AND order_id IS NULL AND moving_to = -1 LIMIT 1"));
        return Ids{sold.order};
      },
      [](const DamageSite& site) { return Ids{site.unpaid[0].product}; });
  add("a key given without an order", "order_id", "unexpected", [](DamageSite& site) {
    const int shard = site.delivered[0].shard;
    site.sql(shard, cat("UPDATE card_keys SET order_id = 'o-never', delivered_at_us = 1 WHERE ",
                        free_key(site, shard)));
    return Ids{"o-never"};
  });
  add("a free key is gone", "card_key", "miscounted", [](DamageSite& site) {
    const int shard = site.delivered[0].shard;
    site.sql(shard, cat("DELETE FROM card_keys WHERE ", free_key(site, shard)));
    return Ids{site.delivered[0].product};
  });
  add("a free key too many", "card_key", "miscounted", [](DamageSite& site) {
    site.sql(0, cat("INSERT INTO card_keys (product, card_key) VALUES ('",
                    site.delivered[0].product, "', 'TOO-MANY')"));
    return Ids{site.delivered[0].product};
  });
}

}  // namespace

std::vector<Damage> damages_of_keys() {
  std::vector<Damage> list = changed_keys();
  add_of_delivered({list});
  add_of_others({list});
  return list;
}

}  // namespace panshi
