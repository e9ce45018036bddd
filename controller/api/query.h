// SPDX-License-Identifier: Apache-2.0
// Reads the numbers of a query string: absent is the default, anything but a whole number in bounds
// is an error that says so.
#pragma once

#include <cstdint>
#include <string>

#include "core/io/http_server.h"
#include "core/json/fields.h"

namespace panshi::controller {

Result<std::int64_t> query_number(const HttpRequest& request, const std::string& key,
                                  std::int64_t otherwise, Range<std::int64_t> range);
std::string query_text(const HttpRequest& request, const std::string& key);

}  // namespace panshi::controller
