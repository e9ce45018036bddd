// SPDX-License-Identifier: Apache-2.0
// Belonging: whether what an order has is its own, and its columns agree with each other. Pure.
#pragma once

#include "platform/ledger/case.h"

namespace panshi::shop {

// The row of `c` against its customer, shard, product, charges and keys. True: nothing was found.
// REQUIRES: c.row.
bool judge_belonging(const Case& c, const Evidence& evidence, Flaws& flaws);

}  // namespace panshi::shop
