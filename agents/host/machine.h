// SPDX-License-Identifier: Apache-2.0
// Machine: what node-wide faults may do to the node itself: helper processes, room on disks,
// limits of processes, packet rules. The part of Host that knows no services.
//
// What a fault starts here is marked with the fault's id, so that the guardian and `revert-all`
// end it without any record but the id. Any thread; calls may block for some seconds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agents/config/fault_scope.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/process.h"

namespace panshi::agent {

struct ProcessChoice;  // agents/host/process_choice.h

struct Room {
  std::int64_t total = 0;
  std::int64_t available = 0;  // bytes
  bool in_memory = false;      // of a file system: what is in it takes memory
};

struct HelperUse {
  double age_seconds = 0;
  double cpu_seconds = 0;
  std::int64_t resident_bytes = 0;
  std::int64_t written_bytes = 0;
  std::int64_t children = 0;
};

class Helper {  // ends with all its children when it goes
 public:
  virtual ~Helper() = default;
  virtual HelperUse use() const = 0;
};

struct DescriptorLimit {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
  std::vector<std::uint64_t> open = {};  // the numbers, in order

  // How many more it may open: a new one gets the lowest number that is free, below `soft`.
  std::uint64_t room() const;
  std::uint64_t soft_for(std::uint64_t room) const;  // the highest limit with so much
  friend bool operator==(const DescriptorLimit&, const DescriptorLimit&) = default;
};

struct ClockReading {  // of a clock that is read in some environment, against the kernel's
  double offset_seconds = 0;
  double rate_percent = 100;
};

class Machine {
 public:
  virtual ~Machine() = default;

  virtual const FaultScope& scope() = 0;
  virtual std::int64_t cores() = 0;
  // What is left to this process, by the machine and by the control groups that it is in.
  virtual Room memory() = 0;
  virtual std::int64_t processes_left() = 0;
  // Of the file system of a folder, and of quotas on it. kNotFound.
  virtual Result<Room> disk(const std::filesystem::path& folder) = 0;

  // Those that are there now, supervised or not; see process_choice.h. kInvalid.
  virtual Result<std::vector<ProcessName>> processes(const ProcessChoice& choice) = 0;
  // The control group of a unit that runs. kRefused: systemd does not, or knows none of that name,
  // or it does not run.
  virtual Result<std::string> cgroup_of_unit(const std::string& unit) = 0;
  struct UnitState {
    std::string active;      // "active", "inactive", "failed", …; "": not told
    std::string invocation;  // of its last run, another one for each; "": not told
  };
  virtual Result<UnitState> unit_state(const std::string& unit) = 0;
  // Has systemd start a unit that it knows, if it does not run. kRefused, kTimeout.
  virtual Status start_unit(const std::string& unit) = 0;
  virtual Status restart_unit(const std::string& unit) = 0;

  // `panshi-agent helper` with these arguments (agents/helpers/helper.h); returns when it is under
  // way. Keep what it returns in Host::holdings().
  virtual Result<std::shared_ptr<Helper>> start_helper(const std::string& fault,
                                                       const std::vector<std::string>& words) = 0;
  // Ends every process that carries the fault's mark; none: no error.
  virtual Status end_helpers(const std::string& fault) = 0;
  // Ids of faults whose marked processes run.
  virtual std::vector<std::string> helpers() = 0;

  // kNotFound: the process is gone.
  virtual Result<DescriptorLimit> descriptor_limit(const ProcessName& process) = 0;
  virtual Status set_descriptor_limit(const ProcessName& process, std::uint64_t soft,
                                      std::uint64_t hard) = 0;

  // Path of libfaketime, which changes the clock of who is started with it; empty: none is here.
  virtual std::string fake_clock_library() = 0;
  // What that library left in shared memory: of processes that have ended, and nobody has it
  // mapped.
  virtual std::vector<std::filesystem::path> fake_clock_files() = 0;
  // Whether the process has the library in its memory by now.
  virtual bool has_loaded(const ProcessName& process, const std::string& library) = 0;
  // Of a process that is started in this environment; takes some tenths of a second.
  virtual Result<ClockReading> read_clock(const std::map<std::string, std::string>& env) = 0;

  // Path of strace; empty: none is here, or the kernel lets nobody be traced.
  virtual std::string tracer() = 0;
  // Pid of the process that traces this one; 0: nobody does, or it is gone.
  virtual pid_t tracer_of(const ProcessName& process) = 0;
};

}  // namespace panshi::agent
