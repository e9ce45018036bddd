// SPDX-License-Identifier: Apache-2.0
// The role `audit`: one run, one JSON document on stdout, exit 0 valid, 1 invalid, 2 unknown.
// With --exit-zero always 0 once a verdict was printed, as a drill wants it.
#pragma once

#include "platform/storefront/base/role.h"

namespace panshi::shop {

constexpr const char* kAuditOptions = "[--since-us N] [--exit-zero]";

int run_audit(const RoleContext& context);

}  // namespace panshi::shop
