// SPDX-License-Identifier: Apache-2.0
// What is asked of a URL in a configuration. Pure.
#pragma once

#include <string_view>

namespace panshi {

// "http://user:password@host/…": whoever reads the file, an error or a log reads it, too. Refused
// without a quotation.
constexpr bool has_user(std::string_view url) {
  const auto scheme = url.find("//");
  const auto begin = scheme == std::string_view::npos ? 0 : scheme + 2;
  return url.substr(begin, url.find('/', begin) - begin).find('@') != std::string_view::npos;
}

// Of a page that is asked for nothing but figures.
inline constexpr const char* kHoldsNoUser =
    "holds no user and password: ask a page that wants none";

}  // namespace panshi
