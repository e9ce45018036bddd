// SPDX-License-Identifier: Apache-2.0
// Conservation: nothing appears from nowhere and nothing vanishes, in goods and in money. Pure.
//
// Goods: for each product, initial = free + held + sold in Redis, initial as in the database, and
// sold = the confirmed orders. Money: the sum of charges = the sum of the paid orders. The first
// holds at every instant; the others only once the queue is empty, and are in doubt before.
#pragma once

#include <optional>
#include <string>

#include "platform/ledger/evidence.h"

namespace panshi::shop {

struct Conservation {
  std::optional<bool> conserved;  // absent: could not be told
  std::string detail;             // what is wrong, or what was added up
};

Conservation check_conservation(const Evidence& evidence);

}  // namespace panshi::shop
