// SPDX-License-Identifier: Apache-2.0
// Text made safe for HTML: & < > " '.
#pragma once

#include <string>
#include <string_view>

namespace panshi::controller {

std::string escape_html(std::string_view text);

}  // namespace panshi::controller
