// SPDX-License-Identifier: Apache-2.0
// CHECK: stops the process on a bug, in release builds too. Never for input, disk or network.
#pragma once

namespace panshi {

[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace panshi

#define CHECK_BUG(condition) \
  ((condition) ? static_cast<void>(0) : ::panshi::check_failed(__FILE__, __LINE__, #condition))
