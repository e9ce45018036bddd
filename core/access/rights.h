// SPDX-License-Identifier: Apache-2.0
// Rights: what a route of the API asks of its caller, and the roles that have them.
//
// One table each; docs/reference/access.md and the test of roles and routes come from them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace panshi {

using Rights = std::uint32_t;  // a set of them

inline constexpr Rights kRead = 1;
inline constexpr Rights kHalt = 2;
inline constexpr Rights kRevert = 4;
inline constexpr Rights kOperate = 8;
inline constexpr Rights kInject = 16;
inline constexpr Rights kReload = 32;
inline constexpr Rights kAdmin = 64;
inline constexpr Rights kAllRights = 127;

struct RightRow {
  Rights right;
  const char* name;
  const char* summary;
};
std::span<const RightRow> right_rows();

struct RoleRow {
  const char* name;
  Rights rights;
  const char* summary;
};
std::span<const RoleRow> role_rows();  // each has what those before it have

std::vector<std::string> role_names();
Result<Rights> rights_of_role(std::string_view role);  // kInvalid lists them
// "read", "halt": kInvalid lists them.
Result<Rights> read_rights(std::span<const std::string> names);
std::vector<std::string> names_of(Rights rights);
// "operator, author and admin": who has all of them.
std::string roles_with(Rights rights);

}  // namespace panshi
