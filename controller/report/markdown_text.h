// SPDX-License-Identifier: Apache-2.0
// The pieces that Markdown documents are put together from. Pure. Any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "controller/report/report.h"

namespace panshi::controller::markdown {

// What came from outside must not become Markdown or HTML of its own.
std::string safe(std::string_view text);
std::string code(std::string text);  // a code span
std::string row(std::initializer_list<std::string> cells);
// Forty columns over the drill; of each the mean. Samples that say nothing new are not kept, so a
// column without one has the value before, unless that is too old to be one. "" without samples.
std::string sparkline(const SignalSeries& series, double y_max);

}  // namespace panshi::controller::markdown
