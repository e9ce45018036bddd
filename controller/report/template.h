// SPDX-License-Identifier: Apache-2.0
// The pages of one report and of two beside each other, and their style, as text.
#pragma once

#include <string_view>

namespace panshi::controller {

extern const std::string_view kReportTemplate;
extern const std::string_view kCompareTemplate;
extern const std::string_view kReportStyle;

}  // namespace panshi::controller
