// SPDX-License-Identifier: Apache-2.0
// The role `customers`: open-loop load on the shop, with a log that can testify.
#pragma once

#include "platform/storefront/base/role.h"

namespace panshi::shop {

constexpr const char* kCustomersOptions = "[--rate PER_SECOND] [--seed N] [--traffic FILE]";

int run_customers(const RoleContext& context);

}  // namespace panshi::shop
