// SPDX-License-Identifier: Apache-2.0
// How much memory of this process is resident.
#pragma once

#include <fstream>
#include <string>

namespace panshi {

inline long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  }
  return 0;
}

}  // namespace panshi
