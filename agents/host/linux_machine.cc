// SPDX-License-Identifier: Apache-2.0
#include "agents/host/linux_machine.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>
#include <thread>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/held_process.h"
#include "core/io/process_table.h"

namespace panshi::agent {
namespace {

constexpr std::string_view kFault = "PANSHI_FAULT=";
constexpr std::string_view kState = "PANSHI_FAULT_STATE=";
constexpr int kHelperSecondsMax = 86'400;  // the longest lease there is
constexpr auto kReadyWithin = std::chrono::seconds(10);
constexpr int kEndTriesMax = 400;
constexpr auto kBetweenTries = std::chrono::milliseconds(5);
constexpr std::size_t kEnvironmentMax = 1 << 20;

std::string reason() { return std::strerror(errno); }

std::string value_of(const std::vector<std::string>& environment, std::string_view key) {
  for (const std::string& each : environment) {
    if (each.starts_with(key)) return each.substr(key.size());
  }
  return {};
}

double cpu_seconds(pid_t pid) {
  const auto text = read_file(cat("/proc/", pid, "/stat"), 4'096);
  const auto name_end = text ? text->rfind(") ") : std::string::npos;
  if (name_end == std::string::npos) return 0;  // it has just ended
  const auto fields = split(std::string_view(*text).substr(name_end + 2), ' ');
  if (fields.size() < 13) return 0;
  const auto ticks = parse_integer(fields[11]).value_or(0) + parse_integer(fields[12]).value_or(0);
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

class LinuxHelper final : public Helper {
 public:
  explicit LinuxHelper(std::unique_ptr<HeldProcess> process)
      : process_(std::move(process)),
        began_(SystemClock().mono()),
        cpu_before_(cpu_seconds(process_->name().pid)) {}

  HelperUse use() const override {
    const pid_t pid = process_->name().pid;
    if (!is_alive(process_->name())) return {};
    const std::string folder = cat("/proc/", pid);
    HelperUse use;
    use.age_seconds = static_cast<double>((SystemClock().mono() - began_).count()) / 1e6;
    use.cpu_seconds = cpu_seconds(pid) - cpu_before_;
    use.resident_bytes = named_number(folder + "/status", "VmRSS:") << 10;
    use.written_bytes = named_number(folder + "/io", "wchar:");
    use.children = static_cast<std::int64_t>(processes_in_group(pid).size()) - 1;
    return use;
  }

 private:
  std::unique_ptr<HeldProcess> process_;
  MonoTime began_;
  double cpu_before_;
};

}  // namespace

LinuxMachine::LinuxMachine(FaultScope scope, std::string helper_program, ServiceCgroups cgroups)
    : scope_(std::move(scope)),
      helper_program_(std::move(helper_program)),
      cgroups_(std::move(cgroups)) {}

std::int64_t LinuxMachine::cores() {
  return std::max(1U, std::thread::hardware_concurrency());  // of its CPU affinity
}

Result<std::shared_ptr<Helper>> LinuxMachine::start_helper(const std::string& fault,
                                                           const std::vector<std::string>& words) {
  ProcessSpec spec;
  spec.argv = {helper_program_, "helper", std::to_string(kHelperSecondsMax)};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.env = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"},
              {"PANSHI_FAULT", fault},
              {"PANSHI_FAULT_STATE", scope_.state.string()}};
  auto process = HeldProcess::start(spec, kReadyWithin);
  if (!process) return fail(process.error(), cat("helper ", words.front()));
  cgroups_.join_fault(fault, (*process)->name().pid);
  return std::make_shared<LinuxHelper>(std::move(*process));
}

std::vector<LinuxMachine::Marked> LinuxMachine::marked() const {
  std::vector<Marked> all;
  for (const pid_t pid : list_pids()) {
    const auto process = name_process(pid);  // first: were the number reused, no kill would follow
    if (!process || pid == ::getpid()) continue;
    // Whoever else writes the mark into its environment would be taken for ours, and, with enough
    // processes, would keep a fault from ever being reverted.
    if (!scope_.users.contains(user_of(pid))) continue;
    const auto text = read_file(cat("/proc/", pid, "/environ"), kEnvironmentMax);
    if (!text) continue;
    const auto environment = split(*text, '\0');
    const std::string fault = value_of(environment, kFault);
    if (fault.empty() || value_of(environment, kState) != scope_.state.string()) continue;
    all.push_back({*process, fault});
  }
  return all;
}

Status LinuxMachine::end_helpers(const std::string& fault) {
  for (int tries = 0; tries < kEndTriesMax; ++tries) {
    bool any = false;
    for (const Marked& each : marked()) {
      if (each.fault != fault) continue;
      any = true;
      if (is_alive(each.process)) ::kill(each.process.pid, SIGKILL);
    }
    if (!any) {
      cgroups_.end_fault(fault);
      return {};
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
  return fail(ErrorCode::kTimeout, cat("helpers of fault ", fault, " do not end"));
}

std::vector<std::string> LinuxMachine::helpers() {
  std::set<std::string> ids;
  for (const Marked& each : marked()) ids.insert(each.fault);
  return {ids.begin(), ids.end()};
}

Result<DescriptorLimit> LinuxMachine::descriptor_limit(const ProcessName& process) {
  struct rlimit limit {};
  if (!is_alive(process) || ::prlimit(process.pid, RLIMIT_NOFILE, nullptr, &limit) != 0) {
    return fail(ErrorCode::kNotFound, cat("process ", process.pid, " is gone"));
  }
  DescriptorLimit found{.soft = limit.rlim_cur, .hard = limit.rlim_max};
  std::error_code error;
  const std::filesystem::directory_iterator open(cat("/proc/", process.pid, "/fd"), error);
  for (auto each = begin(open); !error && each != end(open); each.increment(error)) {
    const auto number = parse_integer(each->path().filename().string());
    if (number) found.open.push_back(static_cast<std::uint64_t>(*number));
  }
  if (error) {
    return fail(ErrorCode::kNotFound, cat("descriptors of ", process.pid, ": ", error.message()));
  }
  std::sort(found.open.begin(), found.open.end());
  return found;
}

Status LinuxMachine::set_descriptor_limit(const ProcessName& process, std::uint64_t soft,
                                          std::uint64_t hard) {
  if (!is_alive(process)) {
    return fail(ErrorCode::kNotFound, cat("process ", process.pid, " is gone"));
  }
  const struct rlimit limit { .rlim_cur = soft, .rlim_max = hard };
  if (::prlimit(process.pid, RLIMIT_NOFILE, &limit, nullptr) == 0) return {};
  return fail(errno == ESRCH ? ErrorCode::kNotFound : ErrorCode::kInternal,
              cat("descriptor limit of ", process.pid, ": ", reason()));
}

}  // namespace panshi::agent
