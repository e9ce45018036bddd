// SPDX-License-Identifier: Apache-2.0
// What routes of several files share: the numbers of a query string (absent is the default,
// anything but a whole number in bounds is an error that says so), and questions to agents.
#pragma once

#include <cstdint>
#include <string>

#include "core/io/http_server.h"
#include "core/json/fields.h"
#include "core/model/inventory.h"

namespace panshi::controller {

Result<std::int64_t> query_number(const HttpRequest& request, const std::string& key,
                                  std::int64_t otherwise, Range<std::int64_t> range);
std::string query_text(const HttpRequest& request, const std::string& key);

// How long an agent that is asked on somebody's behalf may take.
inline constexpr Duration kAgentPatience = std::chrono::seconds(2);
// kNotFound, with the nodes there are.
tl::unexpected<Error> unknown_node(const Inventory& inventory, const std::string& name);

}  // namespace panshi::controller
