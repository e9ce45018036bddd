// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "agents/faults/traces/traces.h"
#include "agents/host/tool.h"
#include "agents/host_state/host_state.h"
#include "agents/host_state/parse.h"
#include "core/base/text.h"
#include "core/io/cgroups.h"
#include "core/io/files.h"
#include "core/io/mac.h"
#include "core/io/process_table.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr auto kToolWithin = std::chrono::seconds(5);
constexpr std::size_t kFileMax = 1 << 20;  // contents of larger ones are not looked at
constexpr std::size_t kListMax = 10'000;

json unavailable(const std::string& why) { return {{"unavailable", why}}; }

json part(const Result<Lines>& lines) {
  return lines ? json(*lines) : unavailable(lines.error().message);
}

// Part of a list is no list: what is missing in one look and not in the next would be a difference.
json sorted_list(Lines lines) {
  if (lines.size() > kListMax) return unavailable(cat("more than ", kListMax, " of them"));
  std::sort(lines.begin(), lines.end());
  return lines;
}

template <typename Read>
json of_tool(ProcessRunner& runner, std::vector<std::string> words, Read read) {
  const auto said = run_tool(runner, std::move(words), kToolWithin);
  return said ? part(read(*said)) : unavailable(said.error().message);
}

template <typename Read>
json of_file(const fs::path& path, Read read) {
  const auto text = read_file(path, kFileMax);
  return text ? part(read(*text)) : unavailable(text.error().message);
}

void add_network(ProcessRunner& runner, json& state) {
  state["nft"] = of_tool(runner, {"nft", "--stateless", "list", "ruleset"}, &lines_of);
  state["qdiscs"] = of_tool(runner, {"tc", "-j", "qdisc", "show"}, &read_qdiscs);
}

json stopped() {
  json lines = json::array();
  for (const ProcessEntry& each : list_processes()) {
    if (each.state == 'T') lines.push_back(cat(each.process.pid, " ", each.name));
  }
  return lines;
}

// The folders below `top`, relative to it. A group that ends meanwhile is left out.
Result<Lines> folders_below(const fs::path& top) {
  Lines lines;
  Lines unread = {""};
  while (!unread.empty() && lines.size() <= kListMax) {
    const std::string folder = std::move(unread.back());
    unread.pop_back();
    std::error_code error;
    for (fs::directory_iterator each(top / folder, error), end; !error && each != end;
         each.increment(error)) {
      std::error_code gone;
      if (!each->is_directory(gone) || each->is_symlink(gone)) continue;
      unread.push_back((fs::path(folder) / each->path().filename()).string());
      lines.push_back("/" + unread.back());
    }
    const bool ended = error == std::errc::no_such_file_or_directory || error.value() == ENODEV;
    if (error && !ended) {
      return fail(ErrorCode::kUnavailable, cat((top / folder).string(), ": ", error.message()));
    }
  }
  return lines;
}

json cgroups() {
  const fs::path top = cgroup_mount();
  if (top.empty()) return unavailable("no cgroup2 hierarchy is mounted");
  Result<Lines> groups = folders_below(top);
  return groups ? sorted_list(std::move(*groups)) : part(groups);
}

std::string file_line(const fs::path& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return {};
  std::string line = cat(path.string(), " mode ", facts.st_mode, " owner ", facts.st_uid, ":",
                         facts.st_gid, " inode ", facts.st_ino);
  // A folder's size and time are of its entries, which have lines of their own.
  if (S_ISDIR(facts.st_mode)) return line;
  line += cat(" size ", facts.st_size, " changed ", facts.st_mtim.tv_sec, ".",
              facts.st_mtim.tv_nsec);
  if (!S_ISREG(facts.st_mode) || facts.st_size > static_cast<off_t>(kFileMax)) return line;
  const auto text = read_file(path, kFileMax);
  return cat(line, " content ", text ? mac_of("", *text) : text.error().message);
}

// Of the folders whose files faults may touch, and of the folders in them. A link to a folder is
// a line and not followed.
json files(const AgentConfig& config) {
  Lines lines;
  for (const fs::path& folder : config.fault_directories) {
    std::error_code error;
    for (fs::recursive_directory_iterator each(folder, error), end; !error && each != end;
         each.increment(error)) {
      lines.push_back(file_line(each->path()));
      if (lines.size() > kListMax) break;
    }
    if (error) return unavailable(cat(folder.string(), ": ", error.message()));
  }
  return sorted_list(std::move(lines));
}

json services(Host& host) {
  json all = json::object();
  for (const std::string& service : host.services()) {
    const auto leader = host.process_of(service);
    json& lines = all[service] = json::array({leader ? "running" : "not running"});
    if (!leader) continue;
    const std::vector<ProcessName> group = host.group_of(*leader);
    const auto count = std::count_if(group.begin(), group.end(), [&](const ProcessName& each) {
      return host.process_state(each) == 'T';
    });
    lines.push_back(cat("stopped processes ", count));
    const fs::path proc = cat("/proc/", leader->pid);
    const auto limits = read_file(proc / "limits", kFileMax);
    if (!limits) continue;  // it has just ended
    for (const std::string& line : read_limits(*limits)) lines.push_back(line);
    const auto environment = read_file(proc / "environ", kFileMax).value_or("");
    for (const std::string& each : split(environment, '\0')) {
      if (each.starts_with("LD_PRELOAD=")) lines.push_back(each);
    }
  }
  return all;
}

}  // namespace

json take_network_state() {
  ProcessRunner runner;
  json state = json::object();
  add_network(runner, state);
  return state;
}

json take_host_state(const AgentConfig& config, Host& host) {
  ProcessRunner runner;
  json state = {{"stopped", stopped()},
                {"iptables", of_tool(runner, {"iptables-save"}, &read_iptables)},
                {"ip6tables", of_tool(runner, {"ip6tables-save"}, &read_iptables)},
                {"cgroups", cgroups()},
                {"hosts", of_file("/etc/hosts", &lines_of)},
                {"resolv", of_file("/etc/resolv.conf", &lines_of)},
                {"mounts", of_file("/proc/self/mountinfo", &read_mounts)},
                {"helpers", host.machine().helpers()},
                {"files", files(config)},
                {"services", services(host)},
                {"servers", server_state(host)}};
  add_network(runner, state);
  return state;
}

}  // namespace panshi::agent
