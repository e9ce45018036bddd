// SPDX-License-Identifier: Apache-2.0
// A service that is a unit of systemd: how it is started, found, stopped and killed.
//
// Only `systemctl` is used, never in the agent's own thread: it may hang as long as the bus does.
// The unit is systemd's: it goes on when the agent ends, and systemd's own restarts are found, as
// the end of one process and the start of the next.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi::agent {

// Before the start counts: start it, then have its main process written to a file.
constexpr std::size_t kUnitSteps = 2;
constexpr std::size_t kUnitAsk = 1;  // the step whose output main_process() reads
std::vector<std::string> unit_step(const std::string& systemctl, const std::string& unit,
                                   std::size_t step);
std::vector<std::string> unit_stop(const std::string& systemctl, const std::string& unit,
                                   int signal);

// kUnavailable: the unit has no main process (it ended, or is of another type).
Result<pid_t> main_process(const std::filesystem::path& asked, const std::string& unit);

}  // namespace panshi::agent
