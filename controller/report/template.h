// SPDX-License-Identifier: Apache-2.0
// The page of the report and its style, as text: report.mustache and report.css.
#pragma once

#include <string_view>

namespace panshi::controller {

extern const std::string_view kReportTemplate;
extern const std::string_view kReportStyle;

}  // namespace panshi::controller
