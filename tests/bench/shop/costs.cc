// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/shop/costs.h"

#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "cli/lab/processes.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi::bench {
namespace {

Duration ticks(std::int64_t count) { return Duration(count * 1'000'000 / sysconf(_SC_CLK_TCK)); }

// Fields 14 and 15 of /proc/PID/stat, counted behind the name, which may hold anything.
Duration cpu_of(pid_t pid) {
  const std::string stat = read_file(cat("/proc/", pid, "/stat")).value_or("");
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream in(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) in >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  in >> user >> system;
  return ticks(user + system);
}

Duration machine_busy() {
  std::istringstream in(read_file("/proc/stat").value_or(""));
  std::string label;
  in >> label;
  std::int64_t busy = 0;
  std::int64_t value = 0;
  for (int field = 0; field < 8 && in >> value; ++field) {
    if (field != 3 && field != 4) busy += value;  // idle, waiting for a disk
  }
  return ticks(busy);
}

std::string program_of(const cli::LabProcess& process) {
  const pid_t pid = process.process.pid;
  std::string name = read_file(cat("/proc/", pid, "/comm")).value_or("");
  while (name.ends_with('\n')) name.pop_back();
  const auto arguments = split(read_file(cat("/proc/", pid, "/cmdline")).value_or(""), '\0');
  if (name == "storefront" && arguments.size() > 1) return arguments[1];
  if (name == "panshi-controll") return "panshi-controller";  // the kernel keeps 15 characters
  if (name != "mariadbd") return name;
  const bool is_primary = std::any_of(arguments.begin(), arguments.end(), [](const auto& argument) {
    return argument.starts_with("--rpl-semi-sync-master-enabled");
  });
  return is_primary ? "mariadbd primary" : "mariadbd replica";
}

}  // namespace

CostSnapshot take_costs(const std::filesystem::path& lab) {
  CostSnapshot snapshot;
  for (const cli::LabProcess& process : cli::find_lab_processes(lab)) {
    snapshot.processes[{process.process.pid, process.process.start_ticks}] = {
        program_of(process), process.service.empty() ? process.node : process.service,
        cpu_of(process.process.pid)};
  }
  snapshot.machine_busy = machine_busy();
  snapshot.at = SystemClock().mono();
  return snapshot;
}

CostReport spent(const CostSnapshot& before, const CostSnapshot& after) {
  CostReport report;
  std::map<std::string, ProgramCost> programs;
  for (const auto& [name, process] : after.processes) {
    const auto earlier = before.processes.find(name);
    const Duration cpu =
        process.cpu - (earlier == before.processes.end() ? Duration{} : earlier->second.cpu);
    ProgramCost& program = programs[process.program];
    program.program = process.program;
    ++program.processes;
    program.cpu += cpu;
    program.parts.emplace_back(process.part, cpu);
    report.lab += cpu;
  }
  const auto dearer = [](const auto& a, const auto& b) { return a.cpu > b.cpu; };
  for (auto& [name, program] : programs) {
    std::stable_sort(program.parts.begin(), program.parts.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    report.programs.push_back(std::move(program));
  }
  std::stable_sort(report.programs.begin(), report.programs.end(), dearer);
  report.others = std::max(Duration{}, after.machine_busy - before.machine_busy - report.lab);
  report.span = after.at - before.at;
  return report;
}

std::int64_t proportional_memory_kb(const std::filesystem::path& lab) {
  std::int64_t sum = 0;
  for (const cli::LabProcess& process : cli::find_lab_processes(lab)) {
    std::istringstream in(
        read_file(cat("/proc/", process.process.pid, "/smaps_rollup")).value_or(""));
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("Pss:")) sum += std::stoll(line.substr(4));
    }
  }
  return sum;
}

}  // namespace panshi::bench
