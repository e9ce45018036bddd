// SPDX-License-Identifier: Apache-2.0
#include "core/access/rights.h"

#include <array>

#include "core/base/text.h"

namespace panshi {
namespace {

constexpr std::array kRights = {
    RightRow{kRead, "read", "look at everything but tokens and the audit log"},
    RightRow{kHalt, "halt", "halt: revert every fault and let none in"},
    RightRow{kRevert, "revert", "revert or close a fault, clear what faults left behind"},
    RightRow{kOperate, "operate",
             "run and abort drills of the catalogue, runbooks, links, incidents; resume"},
    RightRow{kInject, "inject", "apply a fault by hand, run a scenario from a file"},
    RightRow{kReload, "reload", "take in changed scenarios, rules, runbooks and drill days"},
    RightRow{kAdmin, "admin", "tokens, and the audit log"},
};
constexpr Rights kViewer = kRead;
constexpr Rights kOperator = kViewer | kHalt | kRevert | kOperate;
constexpr Rights kAuthor = kOperator | kInject | kReload;
constexpr std::array kRoles = {
    RoleRow{"viewer", kViewer, "looks"},
    RoleRow{"operator", kOperator, "runs what is in the catalogue, and ends whatever runs"},
    RoleRow{"author", kAuthor, "tries new scenarios, and brings them into the catalogue"},
    RoleRow{"admin", kAllRights, "says who may do what, and sees who did it"},
};
static_assert((kAuthor | kAdmin) == kAllRights);

}  // namespace

std::span<const RightRow> right_rows() { return kRights; }
std::span<const RoleRow> role_rows() { return kRoles; }

std::vector<std::string> role_names() {
  std::vector<std::string> names;
  for (const RoleRow& row : kRoles) names.emplace_back(row.name);
  return names;
}

Result<Rights> rights_of_role(std::string_view role) {
  for (const RoleRow& row : kRoles) {
    if (role == row.name) return row.rights;
  }
  return fail(ErrorCode::kInvalid,
              cat("`", role, "` is not a role", did_you_mean(role, role_names()),
                  "; roles: ", join(role_names(), ", ")));
}

Result<Rights> read_rights(std::span<const std::string> names) {
  const std::vector<std::string> known = names_of(kAllRights);
  Rights rights = 0;
  for (const std::string& name : names) {
    Rights one = 0;
    for (const RightRow& row : kRights) {
      if (name == row.name) one = row.right;
    }
    if (one == 0) {
      return fail(ErrorCode::kInvalid, cat("`", name, "` is not a right", did_you_mean(name, known),
                                           "; rights: ", join(known, ", ")));
    }
    rights |= one;
  }
  return rights;
}

std::vector<std::string> names_of(Rights rights) {
  std::vector<std::string> names;
  for (const RightRow& row : kRights) {
    if ((rights & row.right) != 0) names.emplace_back(row.name);
  }
  return names;
}

std::string roles_with(Rights rights) {
  std::vector<std::string> names;
  for (const RoleRow& row : kRoles) {
    if ((row.rights & rights) == rights) names.emplace_back(row.name);
  }
  return join(names, ", ");
}

}  // namespace panshi
