// SPDX-License-Identifier: Apache-2.0
// RunAs: the user that a child process runs as, when it is not the one who starts it. Any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi {

struct RunAs {
  std::string name;
  std::filesystem::path home;
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  // all of them, `group` too
};

// By name or number. kNotFound: this machine knows no such user.
Result<RunAs> find_user(const std::string& user);
// Any number, or a name that this machine knows now. kNotFound.
Result<uid_t> find_user_id(const std::string& user);

}  // namespace panshi
