// SPDX-License-Identifier: Apache-2.0
// Takes a lab down: customers first, then the controller, so that it does not mend what is being
// stopped, then the other agents in the reverse order of the file. Bounded at every step; what does
// not end is killed. Works after a crash of anything, and twice.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/lab/lab_record.h"

namespace panshi::cli {

struct LabDownResult {
  std::size_t stopped = 0;                // processes that were there
  std::vector<std::string> killed;        // had to be killed
  std::vector<std::string> left_running;  // "keys-1 orders, pid 4242"
  std::vector<std::string> left_listening;
  bool clean() const { return left_running.empty() && left_listening.empty(); }
};

// `say` hears what is being stopped.
LabDownResult take_lab_down(const std::filesystem::path& lab, const LabRecord& record,
                            const std::function<void(const std::string&)>& say);

}  // namespace panshi::cli
