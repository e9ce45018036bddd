// SPDX-License-Identifier: Apache-2.0
// The old shop's statements. Reads go to the replica, however old its data are; all writes of a
// purchase are one transaction on the primary.
//
// The tables are those of stores/schema.h, so that the same audit reads them, and `legacy_stock`:
// one number for each product, read without a lock and then counted down, whatever it is by then.
#pragma once

#include <string>
#include <vector>

#include "platform/storefront/legacy/session.h"
#include "platform/storefront/model/order.h"

namespace panshi::shop {

struct LegacyGoods {
  std::string product;
  std::string title;
  std::int64_t price_cents = 0;
  std::int64_t left = 0;
};

// All of them; only `product` when that is not empty.
Result<std::vector<LegacyGoods>> read_goods(LegacySession& session, const std::string& product);
Result<std::optional<StoredOrder>> find_order(LegacySession& session, const std::string& order);
// The newest of a user, newest first; without their keys.
Result<std::vector<StoredOrder>> find_orders(LegacySession& session, const std::string& user,
                                             std::int64_t limit);

// Begins a transaction and writes the paid order, the stock and a key in it; the caller commits, or
// rolls back after an error. kConflict: the order is in the books already.
Status write_purchase(LegacySession& session, const Order& order, const std::string& card_key);

}  // namespace panshi::shop
