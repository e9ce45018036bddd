// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "tests/integration/ledger/damages.h"

namespace panshi {
namespace {

using Sold = DamageSite::Sold;
using Ids = std::set<std::string>;

std::string where(const Sold& sold) { return cat("order_id = '", sold.order, "'"); }

// `set` is what becomes of the row of one order. The counts of its product may be named as well.
Damage row(const std::string& name, const std::string& column, const std::string& word,
           const std::string& set, bool is_unpaid = false) {
  return {name,
          {cat("mariadb.orders.", column)},
          word,
          [set, is_unpaid](DamageSite& site) {
            const Sold& sold = is_unpaid ? site.unpaid[0] : site.delivered[0];
            site.sql(sold.shard, cat("UPDATE orders SET ", set, " WHERE ", where(sold)));
            return Ids{sold.order};
          },
          [](const DamageSite& site) {
            return Ids{site.delivered[0].product, site.unpaid[0].product};
          }};
}

const Sold& other_user(const DamageSite& site) {
  for (const Sold& sold : site.delivered) {
    if (sold.user != site.delivered[0].user) return sold;
  }
  throw std::runtime_error("everything was sold to one user");
}

Damage given_away(const std::string& name, bool is_unpaid) {
  return {name, {"mariadb.orders.user_id"}, "misgiven", [is_unpaid](DamageSite& site) {
            const Sold& sold = is_unpaid ? site.unpaid[0] : site.delivered[0];
            site.sql(sold.shard, cat("UPDATE orders SET user_id = '", site.delivered[1].user,
                                     "x' WHERE ", where(sold)));
            return Ids{sold.order};
          }};
}

Damage second_row(const std::string& name, const std::string& state) {
  return {name, {"mariadb.orders.order_id"}, "duplicated", [state](DamageSite& site) {
            const Sold& sold = site.delivered[0];
            const int other = (sold.shard + 1) % 3;
            site.copy("orders", where(sold), sold.shard, other);
            site.sql(other, cat("UPDATE orders SET state = '", state, "' WHERE ", where(sold)));
            return Ids{sold.order};
          }};
}

std::vector<Damage> other_columns() {
  return {
      row("a paid order is unpaid again", "state", "lost",
          "state = 'placed', paid_at_us = NULL, delivered_at_us = NULL"),
      row("a delivered order is called expired", "state", "lost", "state = 'expired'"),
      row("a delivered order is called paid", "state", "undelivered", "state = 'paid'"),
      row("another product", "product", "mischarged",
          "product = IF(product = 'music-month', 'cloud-100g', 'music-month')"),
      row("a product that does not exist", "product", "misrecorded", "product = 'nothing'"),
      row("another quantity", "quantity", "misrecorded", "quantity = 2"),
      row("another amount", "amount_cents", "mischarged", "amount_cents = amount_cents - 100"),
      row("another amount of an unpaid order", "amount_cents", "mischarged",
          "amount_cents = amount_cents + 1", true),
      row("another idempotency key", "idempotency_key", "misrecorded",
          "idempotency_key = 'another-key'"),
      row("another hash of what was asked for", "body_hash", "misrecorded",
          "body_hash = '0000000000000000'"),
      row("no time of placing", "placed_at_us", "misrecorded", "placed_at_us = 0"),
      row("no time of payment", "paid_at_us", "misrecorded", "paid_at_us = NULL"),
      row("no time of delivery", "delivered_at_us", "misrecorded", "delivered_at_us = NULL"),
      row("a time of payment without one", "paid_at_us", "misrecorded", "paid_at_us = 1", true),
      row("a discount without a coupon", "discount_cents", "misrecorded", "discount_cents = 1"),
      given_away("a delivered order is another user's", false),
      given_away("an unpaid order is another user's", true),
      second_row("a second row that expired", "expired"),
      second_row("a second row, delivered as well", "delivered"),
  };
}

void add_gone_and_moved(std::vector<Damage>& list) {
  const auto gone = [](bool is_unpaid) {
    return [is_unpaid](DamageSite& site) {
      const Sold& sold = is_unpaid ? site.unpaid[0] : site.delivered[0];
      site.sql(sold.shard, cat("DELETE FROM orders WHERE ", where(sold)));
      return Ids{sold.order};
    };
  };
  list.push_back({"a paid order is gone", {"mariadb.orders.order_id"}, "lost", gone(false)});
  list.push_back({"an unpaid order is gone", {"mariadb.orders.order_id"}, "lost", gone(true)});
  list.push_back({"an order in another user's shard",
                  {"mariadb.orders.order_id"},
                  "misplaced",
                  [](DamageSite& site) {
                    const Sold& sold = site.delivered[0];
                    site.move("orders", where(sold), sold.shard, (sold.shard + 1) % 3);
                    return Ids{sold.order};
                  }});
  list.push_back({"an order and its key in another user's shard",
                  {"mariadb.orders.order_id"},
                  "misplaced",
                  [](DamageSite& site) {
                    const Sold& sold = site.delivered[0];
                    const int other = (sold.shard + 1) % 3;
                    site.move("orders", where(sold), sold.shard, other);
                    site.move("card_keys", where(sold), sold.shard, other);
                    return Ids{sold.order};
                  }});
  list.push_back({"an order that nobody attempted",
                  {"mariadb.orders.order_id"},
                  "unexpected",
                  [](DamageSite& site) {
                    const Sold& sold = site.unpaid[0];
                    site.sql(sold.shard,
                             cat("INSERT INTO orders SELECT 'o-0123456789abcdef-x', user_id,"
                                 " product, quantity, amount_cents, 'expired', 'never', body_hash,"
                                 " placed_at_us, NULL, NULL, coupon, discount_cents FROM orders"
                                 " WHERE ",
                                 where(sold)));
                    return Ids{"o-0123456789abcdef-x"};
                  }});
}

void add_told_and_sold_otherwise(std::vector<Damage>& list) {
  // A stranger's purchase with the very key of this one says nothing about it.
  list.push_back({"a stranger's order with the same key is gone",
                  {"mariadb.orders.idempotency_key"},
                  "lost",
                  [](DamageSite& site) {
                    const Sold &mine = site.delivered[0], &stranger = other_user(site);
                    site.log_all(stranger.key, mine.key);
                    site.sql(stranger.shard, cat("DELETE FROM orders WHERE ", where(stranger)));
                    return Ids{stranger.order};
                  }});
  list.push_back(
      {"an order has another id than its customer was told",
       {"mariadb.orders.order_id"},
       "misgiven",
       [](DamageSite& site) {
         const Sold& sold = site.delivered[0];
         const std::string id = cat("o-0123456789abcdef-", sold.product);
         for (const char* table : {"orders", "card_keys"}) {
           site.sql(sold.shard,
                    cat("UPDATE ", table, " SET order_id = '", id, "' WHERE ", where(sold)));
         }
         site.provider(cat("UPDATE charges SET order_id = '", id, "' WHERE ", where(sold)));
         return Ids{id};
       },
       [](const DamageSite& site) { return Ids{site.delivered[0].order}; }});
  list.push_back({"a coupon vanished from its order",
                  {"mariadb.orders.coupon"},
                  "misrecorded",
                  [](DamageSite& site) {
                    const Sold& sold = site.with_coupon[0];
                    site.sql(sold.shard, cat("UPDATE orders SET coupon = '' WHERE ", where(sold)));
                    return Ids{sold.order};
                  }});
  list.push_back(
      {"another discount than the coupon gives",
       {"mariadb.orders.discount_cents"},
       "misrecorded",
       [](DamageSite& site) {
         const Sold& sold = site.with_coupon[0];
         site.sql(sold.shard,
                  cat("UPDATE orders SET discount_cents = discount_cents + 1 WHERE ", where(sold)));
         return Ids{sold.order};
       }});
}

}  // namespace

std::vector<Damage> damages_of_orders() {
  std::vector<Damage> list = other_columns();
  add_gone_and_moved(list);
  add_told_and_sold_otherwise(list);
  return list;
}

}  // namespace panshi
