// SPDX-License-Identifier: Apache-2.0
// One signal over the time of a drill as an SVG: the fault's time shaded, detection and actions
// marked with labels that do not overlap, axes with units, a title and a description.
//
// Colours come from the page's style (report.css), so it follows light and dark. Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/report/report.h"

namespace panshi::controller {

// A vertical line with its label. Place: row 0 is the top one.
struct GraphMark {
  double x = 0;
  std::string what;  // broken | seen | done
  std::string label;
  std::size_t row = 0;
  bool left = false;  // the label stands left of the line
};

// Gives each mark a row such that no two labels overlap between `left` and `right`.
// REQUIRES: sorted by x.
void place_marks(std::vector<GraphMark>& marks, double left, double right);
double label_width(const std::string& label);

// Empty when the series has fewer than two samples. `number` makes the ids unique on the page.
std::string graph_svg(const Report& report, const SignalSeries& series, int number);

}  // namespace panshi::controller
