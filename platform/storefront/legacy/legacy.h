// SPDX-License-Identifier: Apache-2.0
// The run functions of the old shop's roles, for the table in platform/storefront/roles.cc.
#pragma once

#include "platform/storefront/base/role.h"

namespace panshi::shop {

int run_legacy(const RoleContext& context);
int run_legacy_setup(const RoleContext& context);

}  // namespace panshi::shop
