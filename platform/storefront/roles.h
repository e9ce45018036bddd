// SPDX-License-Identifier: Apache-2.0
// The table of roles: every service that this program can be.
#pragma once

#include <span>

#include "platform/storefront/base/role.h"

namespace panshi::shop {

std::span<const Role> roles();
const Role* find_role(std::string_view name);  // null when there is none

}  // namespace panshi::shop
