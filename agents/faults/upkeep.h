// SPDX-License-Identifier: Apache-2.0
// Upkeep: does something again and again while it lives, on a thread of its own (`upkeep`).
//
// For what ends at a server by itself when nobody keeps it up: a frozen agent keeps nothing up. It
// waits in its destructor for the call that is under way.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/base/clock.h"

namespace panshi::agent {

// Where apply() finds the lease of its fault, beside what resolve() returned.
inline constexpr const char* kLeaseMs = "lease_ms";

class Upkeep {
 public:
  // The first time after `every`.
  Upkeep(Duration every, std::function<void()> act);
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  // How often something is kept up that lasts for a lease: two may fail before it ends.
  static Duration every(Duration lease);
  // What ends by itself lasts so long after it was kept up; no less than half a second.
  static Duration step(Duration lease);
  static Duration lease_of(const nlohmann::json& resolved);

 private:
  void run();

  const Duration every_;
  const std::function<void()> act_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace panshi::agent
