// SPDX-License-Identifier: Apache-2.0
#include "agents/host/process_choice.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "core/base/text.h"
#include "core/model/target.h"

namespace panshi::agent {
namespace {

constexpr const char* kProtected[] = {"sshd", "panshi", "panshi-agent", "panshi-controller"};
constexpr const char* kSystemd[] = {"/usr/lib/systemd/", "/lib/systemd/"};

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

// By the program: everybody may give a process any name. Where it may not be seen (we are not
// root), by the name.
bool is_known(const ProcessEntry& entry) {
  const std::string program = entry.program.empty() ? entry.name : file_name(entry);
  return std::find(std::begin(kProtected), std::end(kProtected), program) != std::end(kProtected) ||
         std::any_of(std::begin(kSystemd), std::end(kSystemd),
                     [&](const char* folder) { return entry.program.starts_with(folder); });
}

// "/user.slice/user-0.slice/session-4.scope": systemd's group of a login.
bool is_of_login(const ProcessEntry& entry) {
  const std::string name = std::filesystem::path(entry.cgroup).filename().string();
  return name.starts_with("session-") && name.ends_with(".scope");
}

// The shell that leads a terminal's session; or the first one of a login without a terminal.
bool begins_login(const ProcessEntry& entry, const std::map<pid_t, const ProcessEntry*>& by_pid) {
  if (entry.terminal && entry.session == entry.process.pid) return true;
  if (!is_of_login(entry)) return false;
  const auto parent = by_pid.find(entry.parent);
  return parent == by_pid.end() || parent->second->cgroup != entry.cgroup;
}

}  // namespace

Status check_choice(const ProcessChoice& choice) {
  const std::string why = choice.cgroup.empty() ? why_no_selection("process", choice.process)
                                                : why_no_selection("cgroup", choice.cgroup);
  return why.empty() ? Status() : fail(ErrorCode::kInvalid, why);
}

std::vector<ProcessName> choose(const ProcessChoice& choice, const std::vector<ProcessEntry>& all) {
  std::vector<ProcessName> chosen;
  for (const ProcessEntry& entry : all) {
    if (is_meant(choice, entry)) chosen.push_back(entry.process);
  }
  return chosen;
}

std::vector<pid_t> protected_processes(const std::vector<ProcessEntry>& all,
                                       const std::vector<pid_t>& ours) {
  std::map<pid_t, const ProcessEntry*> by_pid;
  for (const ProcessEntry& entry : all) by_pid[entry.process.pid] = &entry;
  std::set<std::string> our_programs;
  for (const pid_t pid : ours) {
    const auto found = by_pid.find(pid);
    if (found != by_pid.end()) our_programs.insert(found->second->program);
  }
  our_programs.erase("");

  std::set<pid_t> pids(ours.begin(), ours.end());
  pids.insert(1);
  const auto add_with_ancestors = [&](pid_t pid) {
    for (auto found = by_pid.find(pid); found != by_pid.end() && pid > 1;
         found = by_pid.find(pid = found->second->parent)) {
      pids.insert(pid);
    }
  };
  for (const pid_t pid : ours) add_with_ancestors(pid);
  for (const ProcessEntry& entry : all) {
    if (begins_login(entry, by_pid)) add_with_ancestors(entry.process.pid);
    if (entry.kernel || is_known(entry) || our_programs.contains(entry.program)) {
      pids.insert(entry.process.pid);
    }
  }
  return {pids.begin(), pids.end()};
}

}  // namespace panshi::agent
