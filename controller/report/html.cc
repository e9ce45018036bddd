// SPDX-License-Identifier: Apache-2.0
// Fills the page's template.
#include "core/json/html.h"

#include "controller/report/page.h"
#include "controller/report/report.h"
#include "controller/report/template.h"

namespace panshi::controller {

std::string report_html(const Report& report) {
  nlohmann::json view = page_view(report);
  view["style"] = std::string(kReportStyle);
  return fill_template(kReportTemplate, view);
}

}  // namespace panshi::controller
