// SPDX-License-Identifier: Apache-2.0
// Details: the orders against what Redis, the pools of keys, the coupons and the replicas say.
// Pure.
#pragma once

#include "platform/ledger/case.h"

namespace panshi::shop {

// `is_settled`: nothing is on its way any more; else what may still come is kUnsettled.
void judge_details(const CaseFile& file, const Evidence& evidence, bool is_settled, Flaws& flaws);

}  // namespace panshi::shop
