// SPDX-License-Identifier: Apache-2.0
// FaultScope: what the node's own configuration lets faults touch, whatever the controller says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace panshi::agent {

struct FaultScope {
  std::string node = {};
  std::filesystem::path state = {};                     // of the agent; kept copies are under it
  std::vector<std::filesystem::path> directories = {};  // where files may be filled, loaded, broken
  std::int64_t memory_reserve = 256 << 20;              // bytes that no fault may take
  std::int64_t disk_reserve = std::int64_t{1} << 30;
  std::string address = {};  // the agent listens there: never cut off
  std::uint16_t port = 0;
  std::string systemctl = "systemctl";  // the program
};

}  // namespace panshi::agent
