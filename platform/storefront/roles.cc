// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/roles.h"

#include "platform/customers/customers.h"

namespace panshi::shop {

std::span<const Role> roles() {
  static constexpr Role kRoles[] = {
      {"customers", "The load: customers who arrive on a schedule, and their log.",
       kCustomersOptions, &run_customers},
  };
  return kRoles;
}

const Role* find_role(std::string_view name) {
  for (const Role& role : roles()) {
    if (name == role.name) return &role;
  }
  return nullptr;
}

}  // namespace panshi::shop
