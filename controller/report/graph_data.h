// SPDX-License-Identifier: Apache-2.0
// What a graph shows, before it is drawn: range, points, limit and marks, from a report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/report/graph.h"

namespace panshi::controller {

struct GraphPoint {
  double second = 0;
  double value = 0;
  bool gap_before = false;  // nothing was measured for a while: the curve is broken here
};
using GraphPoints = std::vector<GraphPoint>;

struct GraphRange {
  WallTime zero{};  // in force, else the start
  double from_s = 0;
  double to_s = 1;
};

GraphRange graph_range(const Report& report);
// At most about 1,400 points: of each slice of time the lowest and the highest value are kept.
GraphPoints graph_points(const SignalSeries& series, const GraphRange& range);
// The threshold of the rule that fired on it, else of the steady state's check.
std::optional<double> graph_limit(const Report& report, const std::string& signal);
// Sorted by x, which is in seconds from range.zero.
std::vector<GraphMark> graph_marks(const Report& report);
// Marks of one sort within `distance` become one mark with both labels.
void join_close_marks(std::vector<GraphMark>& marks, double distance);

}  // namespace panshi::controller
