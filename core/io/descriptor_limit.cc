// SPDX-License-Identifier: Apache-2.0
#include "core/io/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "core/base/text.h"

namespace panshi {
namespace {

// Limits are the process's, so what they were before is too.
std::optional<rlimit>& limits_before() {
  static std::optional<rlimit> before;
  return before;
}

}  // namespace

Result<std::size_t> raise_descriptor_limit(std::size_t wanted) {
  rlimit now = {};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0) {
    return fail(ErrorCode::kInternal, cat("getrlimit: ", std::strerror(errno)));
  }
  if (now.rlim_cur >= wanted) return static_cast<std::size_t>(now.rlim_cur);
  const rlimit before = now;
  now.rlim_cur = wanted;
  now.rlim_max = std::max<rlim_t>(now.rlim_max, wanted);
  if (::setrlimit(RLIMIT_NOFILE, &now) != 0) {  // only root raises the hard one
    now = before;
    now.rlim_cur = std::min<rlim_t>(before.rlim_max, wanted);
    if (::setrlimit(RLIMIT_NOFILE, &now) != 0) {
      return fail(ErrorCode::kInternal, cat("setrlimit: ", std::strerror(errno)));
    }
  }
  limits_before() = before;
  return static_cast<std::size_t>(now.rlim_cur);
}

void restore_descriptor_limit(pid_t child) {
  const auto& before = limits_before();
  // Fails only when the child is gone already.
  if (before) (void)::prlimit(child, RLIMIT_NOFILE, &*before, nullptr);
}

}  // namespace panshi
