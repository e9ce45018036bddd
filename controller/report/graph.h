// SPDX-License-Identifier: Apache-2.0
// One signal over the time of a drill as an SVG: the fault's time shaded, detection and actions
// marked with labels that do not overlap, axes with units, a title and a description.
//
// Colours come from the page's style (report.css), so it follows light and dark. Pure.
#pragma once

#include <optional>
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

// What the axes cover: seconds since the fault was in force, and values from 0.
struct GraphScale {
  double from_s = 0;
  double to_s = 1;
  double y_max = 1;
};
// Absent when the series has fewer than two samples.
std::optional<GraphScale> graph_scale(const Report& report, const SignalSeries& series);

// Empty when the series has fewer than two samples. `number` makes the ids unique on the page.
// `shared`: the axes, when it is to be compared with another graph.
std::string graph_svg(const Report& report, const SignalSeries& series, int number,
                      const std::optional<GraphScale>& shared = std::nullopt);

}  // namespace panshi::controller
