// SPDX-License-Identifier: Apache-2.0
// Runs: collects what a prober reports, by probe.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agents/probes/prober.h"

namespace panshi::agent {

class Runs {
 public:
  Prober::Report report() {
    return [this](std::vector<ProbeRun> runs) {
      const std::lock_guard lock(mutex_);
      for (ProbeRun& run : runs) runs_[run.probe].push_back(std::move(run));
      grown_.notify_all();
    };
  }
  std::vector<ProbeRun> await(const std::string& probe, std::size_t count) {
    std::unique_lock lock(mutex_);
    REQUIRE(grown_.wait_for(lock, 20s, [&] { return runs_[probe].size() >= count; }));
    return runs_[probe];
  }
  std::optional<ProbeRun> newest(const std::string& probe) {
    const std::lock_guard lock(mutex_);
    const auto& runs = runs_[probe];
    return runs.empty() ? std::nullopt : std::optional(runs.back());
  }

 private:
  std::mutex mutex_;
  std::condition_variable grown_;
  std::map<std::string, std::vector<ProbeRun>> runs_;
};

}  // namespace panshi::agent
