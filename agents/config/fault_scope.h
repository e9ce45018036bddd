// SPDX-License-Identifier: Apache-2.0
// FaultScope: what the node's own configuration lets faults touch, whatever the controller says.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agents/config/host_port.h"

namespace panshi::agent {

// Where the controller listens, if that is on this machine: it says so itself. Any thread.
class ControllerPlace {
 public:
  void note(HostPort at) {
    const std::lock_guard lock(mutex_);
    at_ = std::move(at);
  }
  HostPort at() const {  // port 0: not known, or elsewhere
    const std::lock_guard lock(mutex_);
    return at_;
  }

 private:
  mutable std::mutex mutex_;
  HostPort at_;
};

struct FaultScope {
  std::string node = {};
  std::filesystem::path state = {};                     // of the agent; kept copies are under it
  std::vector<std::filesystem::path> directories = {};  // where files may be filled, loaded, broken
  std::int64_t memory_reserve = 256 << 20;              // bytes that no fault may take
  std::int64_t disk_reserve = std::int64_t{1} << 30;
  std::string address = {};  // the agent listens there: never cut off
  std::uint16_t port = 0;
  std::shared_ptr<ControllerPlace> controller = std::make_shared<ControllerPlace>();  // likewise
  std::string systemctl = "systemctl";                                                // the program
  // Whose processes may be what a fault started: ours, and those of services.
  std::set<uid_t> users = {::getuid()};
};

}  // namespace panshi::agent
