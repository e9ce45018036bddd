// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/base/role.h"

#include <iostream>

namespace panshi::shop {

bool accept_config(const RoleContext& context, const Problems& problems, int& exit_status) {
  if (!problems.empty()) {
    std::cerr << problems_text(problems, context.config) << '\n';
    exit_status = kExitUsage;
    return false;
  }
  if (context.check_only) {
    std::cout << context.config.file << ": fine for the role " << context.role << '\n';
    exit_status = kExitOk;
    return false;
  }
  return true;
}

bool refuse_arguments(const RoleContext& context) {
  if (context.arguments.empty()) return true;
  std::cerr << "storefront " << context.role << ": unknown argument `" << context.arguments.front()
            << "`; see storefront " << context.role << " --help\n";
  return false;
}

}  // namespace panshi::shop
