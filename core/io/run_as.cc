// SPDX-License-Identifier: Apache-2.0
#include "core/io/run_as.h"

#include <grp.h>
#include <pwd.h>

#include <array>
#include <cstdint>

#include "core/base/text.h"

namespace panshi {
namespace {

constexpr std::int64_t kNoUser = 0xffff'ffff;
constexpr int kGroupsMax = 65'536;  // of one user: NGROUPS_MAX of the kernel

}  // namespace

Result<RunAs> find_user(const std::string& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16'384> room{};
  const auto number = parse_integer(user);
  if (number && *number >= 0 && *number < kNoUser) {
    ::getpwuid_r(static_cast<uid_t>(*number), &entry, room.data(), room.size(), &found);
  } else {
    ::getpwnam_r(user.c_str(), &entry, room.data(), room.size(), &found);
  }
  if (found == nullptr) {
    return fail(ErrorCode::kNotFound, cat("`", user, "` is not a user of this machine"));
  }
  RunAs as{.name = entry.pw_name,
           .home = entry.pw_dir,
           .user = entry.pw_uid,
           .group = entry.pw_gid,
           .groups = std::vector<gid_t>(64)};
  auto count = static_cast<int>(as.groups.size());
  while (::getgrouplist(entry.pw_name, entry.pw_gid, as.groups.data(), &count) < 0) {
    if (count > kGroupsMax) return fail(ErrorCode::kInvalid, cat(user, " is in too many groups"));
    as.groups.resize(static_cast<std::size_t>(count));
  }
  as.groups.resize(static_cast<std::size_t>(count));
  return as;
}

Result<uid_t> find_user_id(const std::string& user) {
  const auto number = parse_integer(user);
  if (number && *number >= 0 && *number < kNoUser) return static_cast<uid_t>(*number);
  ASSIGN_OR_RETURN(const RunAs as, find_user(user));
  return as.user;
}

}  // namespace panshi
