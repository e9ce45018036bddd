// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/ledger/damages.h"

namespace panshi {
namespace {

using Sold = DamageSite::Sold;
using Ids = std::set<std::string>;

std::string stock(const Sold& sold) { return cat("stock:{", sold.product, "}"); }
std::string hold(const Sold& sold) { return cat("hold:{", sold.product, "}:", sold.order); }

// Counts of one product, by as much.
Damage counts(const std::string& name, const std::string& word,
              const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::string> columns;
  for (const auto& [field, by] : changes) columns.push_back(cat("redis.stock.", field));
  return {name, columns, word,
          [changes](DamageSite& site) {
            for (const auto& [field, by] : changes) {
              site.redis({"HINCRBY", stock(site.unpaid[0]), field, by});
            }
            return Ids{site.unpaid[0].product};
          },
          [](const DamageSite& site) { return Ids{site.unpaid[0].product}; }};
}

Damage field(const std::string& name, const std::string& word, const std::string& value,
             int which = 0) {
  return {cat("Redis shows another ", name, which == 2 ? " of an unpaid order" : ""),
          {cat("redis.hold.", name)},
          word,
          [name, value, which](DamageSite& site) {
            const Sold& sold = which == 0   ? site.delivered[0]
                               : which == 1 ? site.with_coupon[0]
                                            : site.unpaid[0];
            site.redis({"HSET", hold(sold), name, value});
            return Ids{sold.order};
          },
          [](const DamageSite& site) { return Ids{site.unpaid[0].product}; }};
}

std::vector<Damage> counts_and_holds() {
  return {
      counts("one more free in Redis", "conservation", {{"free", "1"}}),
      counts("a beginning of one more in Redis", "conservation", {{"initial", "1"}, {"free", "1"}}),
      counts("one sold in Redis that nobody bought", "conservation",
             {{"free", "-1"}, {"sold", "1"}}),
      counts("one held in Redis for nobody", "miscounted", {{"free", "-1"}, {"held", "1"}}),
      counts("one not held in Redis though ordered", "miscounted", {{"free", "1"}, {"held", "-1"}}),
      field("order", "misrecorded", "o-another"),
      field("user", "misrecorded", "u-another"),
      field("product", "misrecorded", "another"),
      field("quantity", "misrecorded", "7"),
      field("amount_cents", "misrecorded", "1"),
      field("idempotency_key", "misrecorded", "another"),
      field("body_hash", "misrecorded", "another"),
      field("coupon", "misrecorded", "ANOTHER", 1),
      field("discount_cents", "misrecorded", "1", 1),
      field("card_key", "misgiven", "ANOTHER-KEY"),
      field("state", "miscounted", "placed"),
      field("state", "miscounted", "paid", 2),
  };
}

}  // namespace

std::vector<Damage> damages_of_redis() {
  std::vector<Damage> list = counts_and_holds();
  const auto add = [&](const std::string& name, const std::string& column, const std::string& word,
                       std::function<Ids(DamageSite&)> plant,
                       std::function<Ids(const DamageSite&)> also = {}) {
    list.push_back({name, {cat("redis.", column)}, word, std::move(plant), std::move(also)});
  };
  const auto product = [](const DamageSite& site) { return Ids{site.unpaid[0].product}; };
  add(
      "an unpaid order is not held in Redis", "holds.", "miscounted",
      [](DamageSite& site) {
        const Sold& sold = site.unpaid[0];
        site.redis({"DEL", hold(sold)});
        site.redis({"ZREM", cat("holds:{", sold.product, "}"), sold.order});
        return Ids{sold.order, sold.product};
      },
      product);
  add("a hold that never expires", "holds.", "miscounted", [](DamageSite& site) {
    const Sold& sold = site.unpaid[0];
    site.redis({"ZREM", cat("holds:{", sold.product, "}"), sold.order});
    return Ids{sold.product};
  });
  add(
      "stock held for an order that nobody attempted", "holds.", "unexpected",
      [](DamageSite& site) {
        const Sold& sold = site.unpaid[0];
        site.redis({"ZADD", cat("holds:{", sold.product, "}"), "99999999999999",
                    cat("o-0123456789abcdef-", sold.product)});
        return Ids{cat("o-0123456789abcdef-", sold.product)};
      },
      product);
  add("a delivered order that is not counted as sold", "sold.", "miscounted", [](DamageSite& site) {
    const Sold& sold = site.delivered[0];
    site.redis({"SREM", cat("sold:{", sold.product, "}"), sold.order});
    return Ids{sold.order};
  });
  add("an unpaid order that is counted as sold", "sold.", "miscounted", [](DamageSite& site) {
    const Sold& sold = site.unpaid[0];
    site.redis({"SADD", cat("sold:{", sold.product, "}"), sold.order});
    return Ids{sold.order};
  });
  add("another price in the list of goods", "catalog.", "misrecorded", [](DamageSite& site) {
    nlohmann::json goods = *parse_json(site.ask_redis({"GET", "catalog"}));
    goods[0]["price_cents"] = 1;
    site.redis({"SET", "catalog", goods.dump()});
    return Ids{goods[0].at("product").get<std::string>()};
  });
  add("a product missing in the list of goods", "catalog.", "misrecorded", [](DamageSite& site) {
    nlohmann::json goods = *parse_json(site.ask_redis({"GET", "catalog"}));
    const std::string id = goods[0].at("product");
    goods.erase(0);
    site.redis({"SET", "catalog", goods.dump()});
    return Ids{id};
  });
  return list;
}

}  // namespace panshi
