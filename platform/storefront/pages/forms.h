// SPDX-License-Identifier: Apache-2.0
// Forms: what a browser sends for one (application/x-www-form-urlencoded), and whether it may.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/io/http_server.h"

namespace panshi::shop {

using Form = std::map<std::string, std::string>;

// The first value of each field. kInvalid: more than 32 fields, or bytes that no text field sends.
Result<Form> parse_form(std::string_view body);
std::string field(const Form& form, const std::string& name);  // "" when absent

// Whether another site made the browser send this. Old browsers do not say: the token decides then.
bool is_cross_site(const HttpRequest& request);

}  // namespace panshi::shop
