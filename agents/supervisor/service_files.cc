// SPDX-License-Identifier: Apache-2.0
#include "agents/supervisor/service_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <functional>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/mac.h"
#include "core/io/private_folder.h"
#include "core/io/process_table.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

// A line for each command: its words, and which file its program is. A program that cannot be seen
// has no size; the command that wants it says so when it runs.
std::string named(const ServiceFiles::Commands& commands) {
  std::string text;
  for (const std::vector<std::string>& argv : commands) {
    struct stat file {};
    if (argv.empty() || ::stat(argv[0].c_str(), &file) != 0) file = {};
    text += dump_json({{"argv", argv},
                       {"size", file.st_size},
                       {"changed_s", file.st_mtim.tv_sec},
                       {"changed_ns", file.st_mtim.tv_nsec}});
    text += '\n';
  }
  return text;
}

}  // namespace

std::string boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id").value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Status ServiceFiles::make_folders() const {
  for (const char* folder : {"services", "logs"}) {
    if (auto made = make_private_folder(state_ / folder); !made) return made;
  }
  return {};
}

Status ServiceFiles::write(const std::string& service, const ServiceRecord& record) const {
  const nlohmann::json json = {
      {"pid", record.process.pid},     {"start_ticks", record.process.start_ticks},
      {"boot_id", boot_id()},          {"launch", launch_of(service)},
      {"preparing", record.preparing}, {"ready", record.ready}};
  return write_file_durably(state_ / "services" / (service + ".json"), dump_json(json) + "\n",
                            0600);
}

Result<ServiceRecord> ServiceFiles::read(const std::string& service) const {
  ASSIGN_OR_RETURN(const std::string text, read_file(state_ / "services" / (service + ".json")));
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(text));
  Problems problems;
  Fields in(json, "", problems);
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;
  std::string boot;
  ServiceRecord record;
  in.need("pid", pid, {1, INT32_MAX});
  in.need("start_ticks", start_ticks, {0, INT64_MAX});
  in.need("boot_id", boot);
  in.may("launch", record.launch);
  in.need("preparing", record.preparing);
  in.need("ready", record.ready);
  if (!problems.empty()) return tl::unexpected(problems.error());
  if (boot != boot_id()) return fail(ErrorCode::kNotFound, "started before the last boot");
  record.process = {static_cast<pid_t>(pid), static_cast<std::uint64_t>(start_ticks)};
  return record;
}

bool ServiceFiles::is_prepared(const std::string& service, const Commands& by) const {
  const auto marked = read_file(state_ / "services" / (service + ".prepared"));
  return marked && *marked == named(by);
}

Status ServiceFiles::mark_prepared(const std::string& service, const Commands& by) const {
  return write_file_durably(state_ / "services" / (service + ".prepared"), named(by), 0600);
}

Status ServiceFiles::keep_stopped(const std::string& service, bool on) const {
  const std::filesystem::path file = state_ / "services" / (service + ".stopped");
  return on ? write_file_durably(file, boot_id()) : remove_file_durably(file);
}

bool ServiceFiles::is_kept_stopped(const std::string& service) const {
  const auto boot = read_file(state_ / "services" / (service + ".stopped"));
  return boot && *boot == boot_id();
}

std::filesystem::path ServiceFiles::log_of(const std::string& service) const {
  return state_ / "logs" / (service + ".log");
}

std::filesystem::path ServiceFiles::unit_of(const std::string& service) const {
  return state_ / "services" / (service + ".unit");
}

Result<std::string> ServiceFiles::begin_launch(const std::string& service) const {
  ASSIGN_OR_RETURN(const std::string nonce, random_token());
  if (auto kept = write_file_durably(nonce_file(service), nonce, 0600); !kept) {
    return tl::unexpected(kept.error());
  }
  return nonce;
}

std::string ServiceFiles::nonce(const std::string& service) const {
  return is_id(service) ? read_file(nonce_file(service), 128).value_or("") : "";
}

std::string ServiceFiles::launch_of(const std::string& service) const {
  const std::string of = nonce(service);
  return of.empty() ? "" : sha256_of(of).substr(0, 16);
}

std::filesystem::path ServiceFiles::nonce_file(const std::string& service) const {
  return state_ / "services" / (service + ".nonce");
}

namespace {

using IsKnown = std::function<bool(const std::string& name, const std::string& environment)>;

std::vector<FoundProcess> find_started(const std::filesystem::path& state, const char* variable,
                                       const IsKnown& is_known) {
  std::vector<FoundProcess> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string number = entry.path().filename();
    pid_t pid = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size()) continue;
    if (::getpgid(pid) != pid) continue;
    const auto environment = read_file(entry.path() / "environ");  // refused for other users'
    if (!environment || environment_value(*environment, "PANSHI_STATE") != state.string()) continue;
    const std::string name = environment_value(*environment, variable);
    const auto process = name_process(pid);
    if (name.empty() || !process || !is_known(name, *environment)) continue;
    found.push_back({name, *process, user_of(pid)});
  }
  std::sort(found.begin(), found.end(), [](const FoundProcess& a, const FoundProcess& b) {
    return a.process.start_ticks < b.process.start_ticks;
  });
  return found;
}

}  // namespace

std::vector<FoundProcess> find_started_services(const ServiceFiles& files) {
  const auto is_known = [&](const std::string& service, const std::string& environment) {
    const std::string nonce = files.nonce(service);
    return !nonce.empty() &&
           equal_in_constant_time(environment_value(environment, "PANSHI_NONCE"), nonce);
  };
  return find_started(files.state(), "PANSHI_SERVICE", is_known);
}

std::vector<FoundProcess> find_started_actions(const std::filesystem::path& state,
                                               const std::set<uid_t>& users) {
  auto found = find_started(state, "PANSHI_ACTION",
                            [](const std::string&, const std::string&) { return true; });
  std::erase_if(found, [&](const FoundProcess& each) { return !users.contains(each.user); });
  return found;
}

}  // namespace panshi::agent
