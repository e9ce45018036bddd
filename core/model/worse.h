// SPDX-License-Identifier: Apache-2.0
// Which of two values is the worse one, by what is wanted of a signal.
#pragma once

#include "core/model/comparison.h"

namespace panshi {

// The one that is further from what the comparison wants: the lower for >=, the higher for <, the
// further away for ==, the nearer for !=.
double worse_of(const Comparison& wanted, double a, double b);

}  // namespace panshi
