// SPDX-License-Identifier: Apache-2.0
// What /proc says about processes: core/io/process_table.h and the free functions of process.h.
#include "core/io/process_table.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>

#include "core/base/text.h"
#include "core/io/cgroups.h"
#include "core/io/files.h"
#include "core/io/process.h"
#include "core/io/spawn.h"

namespace panshi {
namespace {

struct Stat {
  std::string name;
  char state = 0;
  bool kernel = false;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  int terminal = 0;  // its device; 0: none
  std::uint64_t start_ticks = 0;
};

template <class Number>
bool read_number(const std::string& text, Number& out) {
  return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
}

std::optional<Stat> read_stat(pid_t pid) {
  const auto text = read_file(cat("/proc/", pid, "/stat"), 4'096);
  if (!text) return std::nullopt;
  const auto name_end = text->rfind(") ");  // a name may hold anything, also ") R 1"
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = split(std::string_view(*text).substr(name_end + 2), ' ');
  constexpr std::size_t kState = 3 - 3;  // numbered from 1 in proc(5); the first two are cut off
  constexpr std::size_t kParent = 4 - 3;
  constexpr std::size_t kGroup = 5 - 3;
  constexpr std::size_t kSession = 6 - 3;
  constexpr std::size_t kTerminal = 7 - 3;
  constexpr std::size_t kFlags = 9 - 3;
  constexpr std::size_t kStart = 22 - 3;
  constexpr std::uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD of the kernel's sched.h
  Stat stat;
  std::uint64_t flags = 0;
  if (fields.size() <= kStart || fields[kState].size() != 1 ||
      !read_number(fields[kParent], stat.parent) || !read_number(fields[kGroup], stat.group) ||
      !read_number(fields[kSession], stat.session) ||
      !read_number(fields[kTerminal], stat.terminal) || !read_number(fields[kFlags], flags) ||
      !read_number(fields[kStart], stat.start_ticks)) {
    return std::nullopt;
  }
  if (const auto begin = text->find('('); begin < name_end) {
    stat.name = text->substr(begin + 1, name_end - begin - 1);
  }
  stat.kernel = (flags & kKernelThread) != 0;
  stat.state = fields[kState].front();
  return stat;
}

std::string program_of(pid_t pid) {
  constexpr std::string_view kDeleted = " (deleted)";  // replaced by a newer version meanwhile
  std::error_code error;
  std::string program = std::filesystem::read_symlink(cat("/proc/", pid, "/exe"), error).string();
  if (program.ends_with(kDeleted)) program.resize(program.size() - kDeleted.size());
  return program;
}

bool is_dead(char state) { return state == 'Z' || state == 'X' || state == 'x'; }

}  // namespace

std::int64_t named_number(const std::filesystem::path& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string word; in >> word;) {
    std::int64_t number = 0;
    if (word == name && in >> number) return number;
  }
  return 0;
}

std::vector<pid_t> list_pids() {
  std::vector<pid_t> pids;
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t pid = 0;
    if (name.find_first_not_of("0123456789") == std::string::npos && read_number(name, pid)) {
      pids.push_back(pid);
    }
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

Result<ProcessName> name_process(pid_t pid) {
  const auto stat = pid > 0 ? read_stat(pid) : std::nullopt;
  if (!stat || is_dead(stat->state)) return fail(ErrorCode::kNotFound, cat("no process ", pid));
  return ProcessName{pid, stat->start_ticks};
}

Result<ProcessName> name_child(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return fail(ErrorCode::kInternal, cat("no child ", pid));
  return ProcessName{pid, stat->start_ticks};
}

bool is_alive(const ProcessName& name) {
  const auto found = name_process(name.pid);
  return found && *found == name;
}

char process_state(pid_t pid) {
  const auto stat = read_stat(pid);
  return stat ? stat->state : '\0';
}

std::vector<pid_t> processes_in_group(pid_t group) {
  std::vector<pid_t> pids = list_pids();
  std::erase_if(pids, [group](pid_t pid) {
    const auto stat = read_stat(pid);
    return !stat || stat->group != group || is_dead(stat->state);
  });
  return pids;
}

std::vector<ProcessEntry> list_processes() {
  std::vector<ProcessEntry> all;
  for (const pid_t pid : list_pids()) {
    auto stat = read_stat(pid);
    if (!stat || is_dead(stat->state)) continue;
    all.push_back({.process = {pid, stat->start_ticks},
                   .name = std::move(stat->name),
                   .program = program_of(pid),
                   .cgroup = cgroup_of(pid),
                   .kernel = stat->kernel,
                   .state = stat->state,
                   .parent = stat->parent,
                   .session = stat->session,
                   .terminal = stat->terminal != 0});
  }
  return all;
}

Status signal_process(const ProcessName& name, int signal) {
  ASSIGN_OR_RETURN(const Handle held, open_pidfd(name.pid));
  if (!is_alive(name)) return fail(ErrorCode::kNotFound, cat("process ", name.pid, " is gone"));
  if (::syscall(SYS_pidfd_send_signal, held.get(), signal, nullptr, 0) == 0) return {};
  return fail(errno == ESRCH ? ErrorCode::kNotFound : ErrorCode::kInternal,
              cat("signal ", signal, " to ", name.pid, ": ", std::strerror(errno)));
}

Status signal_group(const ProcessName& name, int signal) {
  if (!is_alive(name)) return fail(ErrorCode::kNotFound, cat("process ", name.pid, " is gone"));
  if (::kill(-name.pid, signal) == 0) return {};
  const int number = errno;
  return fail(number == ESRCH ? ErrorCode::kNotFound : ErrorCode::kInternal,
              cat("signal ", signal, " to group ", name.pid, ": ", std::strerror(number)));
}

uid_t user_of(pid_t pid) {
  const auto status = read_file(cat("/proc/", pid, "/status")).value_or("");
  const std::size_t at = status.find("\nUid:\t");  // a name with a line end is escaped there
  if (at == status.npos) return static_cast<uid_t>(-1);
  return static_cast<uid_t>(std::strtoul(status.c_str() + at + 6, nullptr, 10));
}

std::string environment_value(const std::string& environment, std::string_view name) {
  std::size_t at = 0;
  while (at < environment.size()) {
    const std::size_t end = std::min(environment.find('\0', at), environment.size());
    const std::string_view entry = std::string_view(environment).substr(at, end - at);
    if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=') {
      return std::string(entry.substr(name.size() + 1));
    }
    at = end + 1;
  }
  return {};
}

std::string started_with(pid_t pid, std::string_view name) {
  const auto environment = read_file(cat("/proc/", pid, "/environ"));
  return environment ? environment_value(*environment, name) : std::string();
}

}  // namespace panshi
