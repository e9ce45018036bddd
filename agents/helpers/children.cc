// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "agents/helpers/helper.h"
#include "core/base/text.h"

namespace panshi::agent {

Status begin_children(const HelperArguments& arguments) {
  const auto count = parse_integer(arguments[0]);
  if (!count || *count < 1) return fail(ErrorCode::kInvalid, "children COUNT");
  for (std::int64_t i = 0; i < *count; ++i) {
    const pid_t child = ::fork();
    if (child < 0) {
      const std::string why = std::strerror(errno);
      ::signal(SIGTERM, SIG_IGN);
      ::kill(0, SIGTERM);
      return fail(ErrorCode::kUnavailable, cat("the node gave ", i, " processes: ", why));
    }
    if (child > 0) continue;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
  return {};
}

}  // namespace panshi::agent
