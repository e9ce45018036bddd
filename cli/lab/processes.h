// SPDX-License-Identifier: Apache-2.0
// The processes of a lab, found by what they are rather than by what somebody once wrote down: the
// agents, guardians and the controller by their configuration file, services by their environment
// (or, where they wrote over it, by their working directory, or by what their agent wrote down).
// So they are found after any crash, and a stranger with a reused pid never is.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/io/process.h"

namespace panshi::cli {

// Of the user that runs us; without one, the number.
std::string own_user_name();

struct LabProcess {
  ProcessName process;
  std::string node;     // or `controller`
  std::string service;  // empty: the agent itself, its guardian, the controller
};
std::vector<LabProcess> find_lab_processes(const std::filesystem::path& lab);

// The main process of the agent or controller: the pid in its lock file, when it is alive.
std::optional<ProcessName> main_process(const std::filesystem::path& lab, const std::string& node);

// Starts a program in a session of its own, output appended to `log`; it outlives us.
Result<pid_t> start_detached(const std::vector<std::string>& argv,
                             const std::filesystem::path& log);
// A child of ours that start_detached() started and that has ended already.
bool has_ended(pid_t child);

// "127.77.4.1:17701" of every listening TCP socket at one of the addresses.
std::vector<std::string> listeners_at(const std::set<std::string>& addresses);
// Whether nobody listens there now.
bool can_bind(const std::string& address, std::uint16_t port);

std::vector<std::string> last_lines(const std::filesystem::path& file, std::size_t count);

}  // namespace panshi::cli
