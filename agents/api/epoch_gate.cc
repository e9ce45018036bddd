// SPDX-License-Identifier: Apache-2.0
#include "agents/api/epoch_gate.h"

#include <sstream>

#include "agents/limits.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi::agent {

// The file: "12\n" or "12 0a1b…\n".
Result<std::unique_ptr<EpochGate>> EpochGate::open(std::filesystem::path file) {
  std::uint64_t highest = 0;
  std::string controller;
  if (std::filesystem::exists(file)) {
    ASSIGN_OR_RETURN(const std::string text, read_file(file));
    std::istringstream words(text);
    if (!(words >> highest)) {
      return fail(ErrorCode::kInternal, cat(file.string(), " holds no epoch: `", text, "`"));
    }
    words >> controller;
  }
  return std::unique_ptr<EpochGate>(new EpochGate(std::move(file), highest, std::move(controller)));
}

Status EpochGate::admit(std::uint64_t epoch, const EpochCaller& caller) {
  const std::lock_guard lock(mutex_);
  if (epoch < highest_) {
    return fail(ErrorCode::kConflict, cat("epoch ", epoch, " is over: a controller of epoch ",
                                          highest_, " commands this agent"));
  }
  const bool known = caller.controller.empty() || caller.controller == controller_;
  const bool may_come = controller_.empty() || (caller.takes_over && epoch > highest_);
  if (!known && !may_come) {
    return fail(ErrorCode::kConflict, cat("another controller (", controller_, ", epoch ", highest_,
                                          ") commands this agent, not ", caller.controller));
  }
  if (known && epoch == highest_) return {};
  if (epoch - highest_ > limits::kEpochJumpMax) {
    return fail(ErrorCode::kInvalid,
                cat("epoch ", epoch, " is too far above ", highest_, ", the highest seen: by ",
                    limits::kEpochJumpMax, " at most"));
  }
  const std::string& controller = known ? controller_ : caller.controller;
  const std::string text = cat(epoch, controller.empty() ? "" : " ", controller, "\n");
  if (auto written = write_file_durably(file_, text, 0600); !written) return written;
  highest_ = epoch;
  controller_ = controller;
  return {};
}

std::uint64_t EpochGate::highest() const {
  const std::lock_guard lock(mutex_);
  return highest_;
}

}  // namespace panshi::agent
