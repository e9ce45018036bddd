// SPDX-License-Identifier: Apache-2.0
// The database of the shop: tables, the procedures that hand out card keys, the first goods.
#pragma once

#include <span>

#include "platform/storefront/stores/migrations.h"

namespace panshi::shop {

// To be carried out as the account `shop`.
std::span<const Migration> shop_migrations();

// Fills `card_keys` of one product up to `count` keys made from `seed`; the same seed makes the
// same keys. One statement, some 100,000 rows a second.
// ? product, ? seed text, ? count
extern const char* const kSeedKeysSql;

}  // namespace panshi::shop
