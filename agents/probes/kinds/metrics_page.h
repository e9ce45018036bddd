// SPDX-License-Identifier: Apache-2.0
// MetricsPage: finds figures in a page of Prometheus' text format. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace panshi::agent {

// `name` or `name{label="value",…}`.
struct MetricSelector {
  std::string name;
  std::map<std::string, std::string> labels;
};
// kInvalid says what is wrong.
Result<MetricSelector> parse_selector(std::string_view text);

// The sum of the series that have the name and at least these labels. None: no series has, or one
// of them is NaN, infinite or not understood: without it the sum is not what was asked for.
std::optional<double> sum_of(const MetricSelector& selector, std::string_view page);

}  // namespace panshi::agent
