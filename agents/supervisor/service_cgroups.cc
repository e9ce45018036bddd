// SPDX-License-Identifier: Apache-2.0
#include "agents/supervisor/service_cgroups.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <thread>

#include "agents/supervisor/service_files.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/cgroups.h"
#include "core/io/files.h"
#include "core/io/process.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;

const std::string kFaultGroup = "panshi-fault-";       // no service is named so
constexpr auto kGoneWithin = std::chrono::seconds(1);  // after being killed
constexpr int kRoundsMax = 10;  // of fetching; more needs a service that forks without end

// Empty for a process that has ended meanwhile, whose group is "".
fs::path below(const fs::path& mount, const std::string& group) {
  if (group.empty()) return {};
  return group == "/" ? mount : mount / group.substr(1);
}

// Control files take one write and are not to be created.
Status tell(const fs::path& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  const bool done =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (done) return {};
  return fail(ErrorCode::kUnavailable, cat(file.string(), ": ", std::strerror(error)));
}

}  // namespace

Result<ServiceCgroups> ServiceCgroups::find(const fs::path& state) {
  const fs::path mount = cgroup_mount();
  const std::string own = cgroup_of(::getpid());
  if (mount.empty() || own.empty()) {
    return fail(ErrorCode::kUnavailable, "there is no cgroup v2 hierarchy here");
  }
  return ServiceCgroups(below(mount, own) / cat("panshi-", hex16(fnv1a(state.string()))), state);
}

Result<ServiceCgroups> ServiceCgroups::open(const fs::path& state) {
  ASSIGN_OR_RETURN(ServiceCgroups cgroups, find(state));
  cgroups.remove_empty();
  std::error_code error;
  fs::create_directory(cgroups.folder_, error);
  if (!error) return cgroups;
  return fail(ErrorCode::kUnavailable, cat(cgroups.folder_.string(), ": ", error.message()));
}

void ServiceCgroups::join(const std::string& service, pid_t leader) {
  if (folder_.empty()) return;
  std::error_code error;
  const fs::path group = folder_ / service;
  fs::create_directories(group, error);
  const fs::path members = group / "cgroup.procs";
  if (!tell(members, cat(leader))) {  // it ended before
    fs::remove(group, error);
    return;
  }
  // What it forked from now on is in; what it forked before, and they meanwhile, is fetched.
  for (int round = 0; round < kRoundsMax; ++round) {
    std::vector<pid_t> ours = processes_in_group(leader);
    for (const FoundProcess& found : find_started_services(ServiceFiles(state_))) {
      if (found.name == service) ours.push_back(found.process.pid);
    }
    bool all_in = true;
    for (const pid_t pid : ours) {
      if (below(cgroup_mount(), cgroup_of(pid)) == group) continue;
      all_in = !tell(members, cat(pid)) && all_in;
    }
    if (all_in) return;
  }
}

void ServiceCgroups::end(const std::string& service) const {
  if (folder_.empty()) return;
  (void)tell(folder_ / service / "cgroup.kill", "1");
  std::error_code error;
  fs::remove(folder_ / service, error);  // refused until all have died; else remove_all() does it
}

// What it has forked by now is in its process group; what it forks later is born in the new one.
void ServiceCgroups::join_fault(const std::string& fault, pid_t leader) const {
  if (folder_.empty()) return;
  std::error_code error;
  const fs::path group = folder_ / (kFaultGroup + fault);
  fs::create_directories(group, error);
  for (const pid_t pid : processes_in_group(leader)) {
    (void)tell(group / "cgroup.procs", cat(pid));
  }
}

void ServiceCgroups::end_fault(const std::string& fault) const {
  if (folder_.empty()) return;
  const fs::path group = folder_ / (kFaultGroup + fault);
  std::error_code error;
  const auto until = std::chrono::steady_clock::now() + kGoneWithin;
  while (fs::exists(group, error) && std::chrono::steady_clock::now() < until) {
    end(group.filename());
    if (fs::exists(group, error)) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::vector<pid_t> ServiceCgroups::processes_with(pid_t leader) const {
  std::vector<pid_t> pids;
  if (folder_.empty()) return pids;
  const fs::path group = below(cgroup_mount(), cgroup_of(leader));
  if (group.parent_path() != folder_) return pids;
  const auto text = read_file(group / "cgroup.procs");
  std::istringstream words(text.value_or(""));
  for (pid_t pid = 0; words >> pid;) pids.push_back(pid);
  return pids;
}

void ServiceCgroups::remove_all() const {
  if (folder_.empty()) return;
  const auto until = std::chrono::steady_clock::now() + kGoneWithin;
  while (!remove_empty() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

bool ServiceCgroups::remove_empty() const {
  std::error_code error;
  std::vector<fs::path> groups;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.is_directory(error)) groups.push_back(entry.path());
  }
  // rmdir of the kernel refuses a group that has members.
  for (const fs::path& group : groups) fs::remove(group, error);
  fs::remove(folder_, error);
  return !fs::exists(folder_, error);
}

}  // namespace panshi::agent
