// SPDX-License-Identifier: Apache-2.0
#include "core/model/worse.h"

#include <algorithm>
#include <cmath>

namespace panshi {

double worse_of(const Comparison& wanted, double a, double b) {
  if (wanted.is == ">" || wanted.is == ">=") return std::min(a, b);
  if (wanted.is == "<" || wanted.is == "<=") return std::max(a, b);
  const bool a_is_further = std::abs(a - wanted.value) >= std::abs(b - wanted.value);
  return a_is_further == (wanted.is == "==") ? a : b;
}

}  // namespace panshi
