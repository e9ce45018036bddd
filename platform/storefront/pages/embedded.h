// SPDX-License-Identifier: Apache-2.0
// The templates, assets and dictionaries of this folder, built into the program.
#pragma once

#include <string_view>

namespace panshi::shop {

// By path within this folder: "templates/list.mustache". REQUIRES: it is listed in CMakeLists.txt.
std::string_view page_file(std::string_view name);
// Changes whenever one of them does: the assets are cached for ever under it.
std::string_view pages_version();

}  // namespace panshi::shop
