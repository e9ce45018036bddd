// SPDX-License-Identifier: Apache-2.0
// What LinuxMachine does through tools that may not be there: libfaketime, strace and systemctl.
#include <unistd.h>

#include <fstream>
#include <future>

#include "agents/host/linux_machine.h"
#include "agents/host/process_choice.h"
#include "agents/host/tool.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/process_table.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;

constexpr auto kReadWithin = std::chrono::seconds(5);
constexpr auto kSystemctlWithin = std::chrono::seconds(10);
constexpr const char* kTracer = "/usr/bin/strace";
constexpr std::size_t kMapsMax = 4 << 20;

}  // namespace

// The one for programs with threads; it is for others too.
std::string LinuxMachine::fake_clock_library() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/usr/lib", error)) {
    const fs::path library = entry.path() / "faketime/libfaketimeMT.so.1";
    if (fs::exists(library, error)) return library.string();
  }
  return {};
}

// "faketime_shm_4711" and "sem.faketime_sem_4711" are of process 4711 and its children.
std::vector<fs::path> LinuxMachine::fake_clock_files() {
  std::vector<std::pair<std::string, fs::path>> candidates;  // pid
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev/shm", error)) {
    const std::string name = entry.path().filename().string();
    for (const std::string_view prefix : {"faketime_shm_", "sem.faketime_sem_"}) {
      if (!name.starts_with(prefix)) continue;
      const std::string pid = name.substr(prefix.size());
      const auto number = parse_integer(pid);
      if (!number || cat(*number) != pid || name_process(static_cast<pid_t>(*number))) continue;
      candidates.emplace_back(pid, entry.path());
    }
  }
  std::vector<fs::path> unused;
  if (candidates.empty()) return unused;
  std::string maps;
  for (const pid_t pid : list_pids()) {
    maps += read_file(cat("/proc/", pid, "/maps"), kMapsMax).value_or("");
  }
  for (const auto& [pid, path] : candidates) {
    const bool mapped = maps.find(cat("/dev/shm/faketime_shm_", pid, "\n")) != maps.npos ||
                        maps.find(cat("/dev/shm/sem.faketime_sem_", pid, "\n")) != maps.npos;
    if (!mapped) unused.push_back(path);
  }
  return unused;
}

bool LinuxMachine::has_loaded(const ProcessName& process, const std::string& library) {
  const auto maps = read_file(cat("/proc/", process.pid, "/maps"), kMapsMax);
  return maps && is_alive(process) &&
         maps->find(fs::path(library).filename().string()) != std::string::npos;
}

Result<ClockReading> LinuxMachine::read_clock(const std::map<std::string, std::string>& env) {
  ProcessRunner processes;
  std::promise<ScriptResult> ended;
  processes.run({.argv = {helper_program_, "clock"}, .env = env}, kReadWithin,
                [&](ScriptResult result) { ended.set_value(std::move(result)); });
  const ScriptResult result = ended.get_future().get();
  const auto words = split(result.output.substr(0, result.output.find('\n')), ' ');
  const auto offset = parse_number(words.front());
  const auto rate = parse_number(words.back());
  if (result.exit.code == 0 && words.size() == 2 && offset && rate) {
    return ClockReading{.offset_seconds = *offset, .rate_percent = *rate};
  }
  return fail(ErrorCode::kUnavailable, cat("the clock could not be read: ", result.output));
}

std::string LinuxMachine::tracer() {
  if (::access(kTracer, X_OK) != 0) return {};
  const auto scope = read_file("/proc/sys/kernel/yama/ptrace_scope", 16);  // absent: no such rule
  const bool only_root = scope && *scope >= "1";
  const bool nobody = scope && *scope >= "3";
  return nobody || (only_root && ::geteuid() != 0) ? std::string() : std::string(kTracer);
}

pid_t LinuxMachine::tracer_of(const ProcessName& process) {
  std::ifstream file(cat("/proc/", process.pid, "/status"));
  std::string word;
  while (file >> word) {
    pid_t tracer = 0;
    if (word == "TracerPid:" && file >> tracer) return is_alive(process) ? tracer : 0;
  }
  return 0;
}

Result<std::vector<ProcessName>> LinuxMachine::processes(const ProcessChoice& choice) {
  if (auto fine = check_choice(choice); !fine) return tl::unexpected<Error>(fine.error());
  std::vector<ProcessName> chosen = choose(choice, list_processes());
  // What another node's agent on this machine has started is of that node, whatever it is called.
  const std::string ours = scope_.state.string();
  std::erase_if(chosen, [&](const ProcessName& each) {
    const bool by_an_agent = !started_with(each.pid, "PANSHI_SERVICE").empty();
    return !choice.process.empty() && by_an_agent && started_with(each.pid, "PANSHI_STATE") != ours;
  });
  return chosen;
}

Result<std::string> LinuxMachine::cgroup_of_unit(const std::string& unit) {
  ProcessRunner runner;
  ASSIGN_OR_RETURN(const std::string said,
                   systemctl(runner, {"show", "--property=ControlGroup", "--value", "--", unit}));
  const std::string cgroup = said.substr(0, said.find('\n'));
  if (cgroup.starts_with('/')) return cgroup;
  return fail(ErrorCode::kRefused, cat("unit ", unit, " is not known or does not run"));
}

Result<Machine::UnitState> LinuxMachine::unit_state(const std::string& unit) {
  ProcessRunner runner;
  ASSIGN_OR_RETURN(const std::string said,
                   systemctl(runner, {"show", "--property=ActiveState,InvocationID", "--", unit}));
  UnitState state;
  for (const std::string& line : split(said, '\n')) {
    const std::size_t sign = line.find('=');
    if (line.starts_with("ActiveState=")) state.active = line.substr(sign + 1);
    if (line.starts_with("InvocationID=")) state.invocation = line.substr(sign + 1);
  }
  return state;
}

Status LinuxMachine::start_unit(const std::string& unit) {
  ProcessRunner runner;
  const auto started = systemctl(runner, {"start", "--", unit});
  return started ? Status() : tl::unexpected<Error>(started.error());
}

Status LinuxMachine::restart_unit(const std::string& unit) {
  ProcessRunner runner;
  const auto restarted = systemctl(runner, {"restart", "--", unit});
  return restarted ? Status() : tl::unexpected<Error>(restarted.error());
}

Result<std::string> LinuxMachine::systemctl(ProcessRunner& runner, std::vector<std::string> words) {
  words.insert(words.begin(), scope_.systemctl);
  auto said = run_tool(runner, std::move(words), kSystemctlWithin);
  if (said || said.error().code == ErrorCode::kTimeout) return said;
  return fail(ErrorCode::kRefused, said.error().message);  // mostly: systemd does not run here
}

}  // namespace panshi::agent
