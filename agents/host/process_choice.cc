// SPDX-License-Identifier: Apache-2.0
#include "agents/host/process_choice.h"

#include <algorithm>
#include <filesystem>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr std::string_view kCgroupFolder = "/sys/fs/cgroup";
constexpr const char* kProtected[] = {"sshd", "panshi", "panshi-agent", "panshi-controller"};

std::string file_name(const ProcessEntry& entry) {
  return std::filesystem::path(entry.program).filename().string();
}

bool is_meant(const ProcessChoice& choice, const ProcessEntry& entry) {
  if (!choice.cgroup.empty()) {
    return entry.cgroup == choice.cgroup || entry.cgroup.starts_with(choice.cgroup + "/");
  }
  if (choice.process.find('/') != std::string::npos) return entry.program == choice.process;
  return entry.name == choice.process || file_name(entry) == choice.process;
}

}  // namespace

Status check_choice(const ProcessChoice& choice) {
  const std::string& cgroup = choice.cgroup;
  if (cgroup.empty()) {
    if (choice.process.find('/') == std::string::npos || choice.process.front() == '/') return {};
    return fail(ErrorCode::kInvalid, cat("`", choice.process,
                                         "` is neither a name nor an absolute "
                                         "path"));
  }
  if (cgroup.starts_with(kCgroupFolder)) {
    return fail(ErrorCode::kInvalid, cat("`", cgroup,
                                         "`: write it as /proc/PID/cgroup has it, "
                                         "such as `/system.slice/nginx.service`"));
  }
  if (cgroup.front() == '/' && cgroup.size() > 1 && cgroup.back() != '/') return {};
  return fail(ErrorCode::kInvalid,
              cat("`", cgroup, "` is no control group such as `/system.slice/nginx.service`"));
}

std::vector<ProcessName> choose(const ProcessChoice& choice, const std::vector<ProcessEntry>& all) {
  std::vector<ProcessName> chosen;
  for (const ProcessEntry& entry : all) {
    if (is_meant(choice, entry)) chosen.push_back(entry.process);
  }
  return chosen;
}

// By the program: everybody may give a process any name. Where it may not be seen (we are not
// root), by the name.
std::vector<pid_t> protected_processes(const std::vector<ProcessEntry>& all) {
  std::vector<pid_t> pids;
  for (const ProcessEntry& entry : all) {
    const std::string program = entry.program.empty() ? entry.name : file_name(entry);
    const bool known =
        std::find(std::begin(kProtected), std::end(kProtected), program) != std::end(kProtected);
    if (known || entry.kernel) pids.push_back(entry.process.pid);
  }
  return pids;
}

}  // namespace panshi::agent
