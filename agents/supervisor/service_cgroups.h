// SPDX-License-Identifier: Apache-2.0
// ServiceCgroups: a control group for each running service, so that also a process that left the
// service's process group (a daemon) is known and ends with the service. And one for what each
// fault runs, so that its load can be told from everybody else's.
//
// Only where there is a cgroup v2 hierarchy in which this account may make groups; they lie below
// the agent's own group, in a folder named after its state, and no controller is switched on. What
// a service forks before it is moved is found by its process group and environment. Any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi::agent {

class ServiceCgroups {
 public:
  // kUnavailable says why there can be none here. Makes nothing: only to ask.
  static Result<ServiceCgroups> find(const std::filesystem::path& state);
  // The same, ready to be joined, without what earlier runs left empty.
  static Result<ServiceCgroups> open(const std::filesystem::path& state);
  ServiceCgroups() = default;  // does nothing

  void join(const std::string& service, pid_t leader);  // it may be gone already
  void end(const std::string& service) const;           // kills what is in it and removes it
  void join_fault(const std::string& fault, pid_t leader) const;
  void end_fault(const std::string& fault) const;  // within a second
  // Of the service whose leader that is; empty when it is in no group of ours.
  std::vector<pid_t> processes_with(pid_t leader) const;
  // What is being killed just now has a second to be gone.
  void remove_all() const;

 private:
  bool remove_empty() const;  // false: some has members
  ServiceCgroups(std::filesystem::path folder, std::filesystem::path state)
      : folder_(std::move(folder)), state_(std::move(state)) {}
  std::filesystem::path folder_;  // empty: none
  std::filesystem::path state_;
};

}  // namespace panshi::agent
