// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/roles.h"

#include <array>

namespace panshi::shop {

std::span<const Role> roles() {
  static constexpr std::array<Role, 0> kRoles = {};  // {"name", "summary.", "options", &run_name},
  return kRoles;
}

const Role* find_role(std::string_view name) {
  for (const Role& role : roles()) {
    if (name == role.name) return &role;
  }
  return nullptr;
}

}  // namespace panshi::shop
