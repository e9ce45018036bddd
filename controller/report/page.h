// SPDX-License-Identifier: Apache-2.0
// What report.mustache shows: every value already text, every key always there (a section that
// lacks a key would find the outer one of that name).
#pragma once

#include <nlohmann/json.hpp>

#include "controller/report/report.h"

namespace panshi::controller {

nlohmann::json page_view(const Report& report);

}  // namespace panshi::controller
