// SPDX-License-Identifier: Apache-2.0
// The role `audit`: one run, one JSON document on stdout, exit 0 valid, 1 invalid, 2 unknown.
#pragma once

#include "platform/storefront/base/role.h"

namespace panshi::shop {

constexpr const char* kAuditOptions = "[--since-us N]";

int run_audit(const RoleContext& context);

}  // namespace panshi::shop
