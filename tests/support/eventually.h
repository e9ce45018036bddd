// SPDX-License-Identifier: Apache-2.0
// eventually: waits for something that another thread or process brings about.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace panshi {

// True as soon as `holds`; false when it did not within ten seconds.
inline bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace panshi
