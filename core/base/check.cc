// SPDX-License-Identifier: Apache-2.0
#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace panshi {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "BUG %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace panshi
