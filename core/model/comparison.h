// SPDX-License-Identifier: Apache-2.0
// Comparison: "signal is >= value over 3s for 1s", the one form in which rules, steady states,
// expectations, aborts and wait_for steps state a condition.
#pragma once

#include <string>

#include "core/base/clock.h"
#include "core/json/fields.h"

namespace panshi {

struct Comparison {
  std::string signal;
  std::string node;      // empty: the node of whichever agent sends the signal
  std::string is = ">";  // > >= < <= == !=
  double value = 0;
  std::string aggregate = "last";  // last | mean | min | max | sum, over `over`
  Duration over{};                 // 0: the newest sample alone
  Duration hold{};                 // key `for`: must be true this long without a break

  bool test(double observed) const;
  std::string text() const;  // "checkout_success_ratio >= 0.99 (mean over 3s) for 1s"
};

// Reads the keys signal, node, is, value, aggregate (default: mean when `over` is given), over, for
// from an object whose other keys the caller reads; call before in.done().
void read_comparison(Fields& in, Comparison& out);

}  // namespace panshi
