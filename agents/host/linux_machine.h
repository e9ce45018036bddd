// SPDX-License-Identifier: Apache-2.0
// LinuxMachine: the real node behind Machine.
#pragma once

#include "agents/host/bounds.h"
#include "agents/host/machine.h"
#include "agents/supervisor/service_cgroups.h"

namespace panshi::agent {

class LinuxMachine final : public Machine {
 public:
  // `helper_program`: the panshi-agent that runs the helpers.
  explicit LinuxMachine(FaultScope scope, std::string helper_program = "/proc/self/exe",
                        ServiceCgroups cgroups = {});

  const FaultScope& scope() override { return scope_; }
  std::int64_t cores() override;
  Room memory() override { return memory_room(); }
  std::int64_t processes_left() override { return agent::processes_left(); }
  Result<Room> disk(const std::filesystem::path& folder) override { return disk_room(folder); }
  Result<std::vector<ProcessName>> processes(const ProcessChoice& choice) override;
  Result<std::string> cgroup_of_unit(const std::string& unit) override;
  Result<UnitState> unit_state(const std::string& unit) override;
  Status start_unit(const std::string& unit) override;
  Status restart_unit(const std::string& unit) override;
  Result<std::shared_ptr<Helper>> start_helper(const std::string& fault,
                                               const std::vector<std::string>& words) override;
  Status end_helpers(const std::string& fault) override;
  std::vector<std::string> helpers() override;
  Result<DescriptorLimit> descriptor_limit(const ProcessName& process) override;
  Status set_descriptor_limit(const ProcessName& process, std::uint64_t soft,
                              std::uint64_t hard) override;
  std::string fake_clock_library() override;
  std::vector<std::filesystem::path> fake_clock_files() override;
  bool has_loaded(const ProcessName& process, const std::string& library) override;
  Result<ClockReading> read_clock(const std::map<std::string, std::string>& env) override;
  std::string tracer() override;
  pid_t tracer_of(const ProcessName& process) override;

 private:
  struct Marked {
    ProcessName process;
    std::string fault;
  };
  std::vector<Marked> marked() const;
  Result<std::string> systemctl(ProcessRunner& runner, std::vector<std::string> words);

  const FaultScope scope_;
  const std::string helper_program_;
  const ServiceCgroups cgroups_;
};

}  // namespace panshi::agent
