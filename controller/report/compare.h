// SPDX-License-Identifier: Apache-2.0
// Compare: two drills side by side, as when the same scenario ran against two shops.
//
// Only what the two reports say is put beside each other; nothing is computed anew and no winner is
// named. Graphs of one signal stand one above the other with the same axes. Pure. Any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "controller/report/report.h"

namespace panshi::controller {

std::string compare_markdown(const Report& a, const Report& b);
std::string compare_html(const Report& a, const Report& b);  // one file: nothing fetched
nlohmann::json compare_json(const Report& a, const Report& b);

}  // namespace panshi::controller
