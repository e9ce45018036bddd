// SPDX-License-Identifier: Apache-2.0
#include "agents/supervisor/systemd_unit.h"

#include <csignal>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi::agent {

std::vector<std::string> unit_step(const std::string& systemctl, const std::string& unit,
                                   std::size_t step) {
  CHECK_BUG(step < kUnitSteps);
  if (step == kUnitAsk) return {systemctl, "show", "--property=MainPID", "--value", unit};
  return {systemctl, "start", unit};
}

std::vector<std::string> unit_stop(const std::string& systemctl, const std::string& unit,
                                   int signal) {
  if (signal == SIGKILL) return {systemctl, "kill", "--signal=KILL", unit};
  return {systemctl, "stop", unit};
}

Result<pid_t> main_process(const std::filesystem::path& asked, const std::string& unit) {
  ASSIGN_OR_RETURN(const std::string said, read_file(asked));
  const auto pid = parse_integer(said.substr(0, said.find('\n')));
  if (pid && *pid > 0 && *pid <= 1 << 22) return static_cast<pid_t>(*pid);
  return fail(ErrorCode::kUnavailable, cat("unit ", unit, " has no main process"));
}

}  // namespace panshi::agent
