// SPDX-License-Identifier: Apache-2.0
// read_report: a report made again from the record inside a report in JSON. Pure. Any thread.
#pragma once

#include <nlohmann/json.hpp>

#include "controller/report/report.h"
#include "core/base/result.h"

namespace panshi::controller {

// kInvalid: not a report, or its record cannot be read. What the document says beside its record is
// not believed.
Result<Report> read_report(const nlohmann::json& document);

}  // namespace panshi::controller
