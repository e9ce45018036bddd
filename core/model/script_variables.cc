// SPDX-License-Identifier: Apache-2.0
#include "core/model/script_variables.h"

#include <algorithm>
#include <array>

namespace panshi {
namespace {

bool is_variable_name(const std::string& name) {
  const auto may_begin = [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && name.size() <= 128 && may_begin(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return may_begin(c) || (c >= '0' && c <= '9'); });
}

// What loaders, shells and interpreters take orders from: whoever sets one of these names a
// command.
bool is_taken(const std::string& name) {
  constexpr std::array kNames = {"PATH", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "PS4", "HOME"};
  constexpr std::array kStarts = {"PANSHI_", "LD_",    "BASH_", "PYTHON", "PERL",    "RUBY",
                                  "NODE_",   "GCONV_", "GIT_",  "JAVA_",  "MALLOC_", "GLIBC_"};
  return std::any_of(kNames.begin(), kNames.end(), [&](const char* one) { return name == one; }) ||
         std::any_of(kStarts.begin(), kStarts.end(),
                     [&](const char* start) { return name.starts_with(start); });
}

}  // namespace

std::string why_not_variable(const std::string& name) {
  if (!is_variable_name(name)) return "must be a name of A-Z, 0-9 and `_`";
  if (is_taken(name)) return "is nothing that an order may set: it can name a command";
  return {};
}

}  // namespace panshi
