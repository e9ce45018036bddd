// SPDX-License-Identifier: Apache-2.0
// The database of the shop: tables, the procedure that hands out card keys, the first goods.
#pragma once

#include <string>
#include <vector>

namespace panshi::shop {

// To be run in order as the account `shop`; each may be run again and then changes nothing.
std::vector<std::string> schema_statements();

// Fills `card_keys` of one product up to `count` keys made from `seed`; the same seed makes the
// same keys. One statement, some 100,000 rows a second.
// ? product, ? seed text, ? count
extern const char* const kSeedKeysSql;

}  // namespace panshi::shop
