// SPDX-License-Identifier: Apache-2.0
// Brings a lab up: writes configurations, starts the agents and the controller detached, waits
// until every service is ready. What runs already is kept, so a lost controller or agent is
// replaced. On failure or Ctrl-C everything that was started is stopped again.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>

#include "cli/lab/lab_plan.h"
#include "cli/lab/lab_record.h"
#include "cli/terminal.h"
#include "core/base/result.h"

namespace panshi::cli {

struct LabUpOptions {
  LabOptions plan;
  std::filesystem::path file;
  bool network_given = false;  // then no other is tried
  std::chrono::seconds within{60};
};

struct LabUpResult {
  LabRecord record;
  bool already_up = false;
  std::chrono::milliseconds took{};
  std::size_t services = 0;
};

// kInvalid: the lab file; kConflict: no free network, or another panshi is at it; kRefused:
// interrupted; else what failed to start, with the end of its log.
Result<LabUpResult> bring_lab_up(const LabUpOptions& options, const std::atomic<bool>& stop,
                                 Terminal& terminal);

}  // namespace panshi::cli
