// SPDX-License-Identifier: Apache-2.0
// HTML from templates: mustache filled from JSON, every value escaped. The only user of mustache.
//
// Text stays text, lists and objects become sections, false and absent values hide theirs; any
// other value appears as its JSON. `{{{raw}}}` in a template is for HTML of our own making only.
// Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace panshi {

// Text made safe for HTML, in attributes too: & < > " '.
std::string escape_html(std::string_view text);

std::string fill_template(std::string_view mustache, const nlohmann::json& view);

}  // namespace panshi
