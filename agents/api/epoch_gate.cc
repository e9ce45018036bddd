// SPDX-License-Identifier: Apache-2.0
#include "agents/api/epoch_gate.h"

#include <charconv>

#include "agents/limits.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi::agent {

Result<std::unique_ptr<EpochGate>> EpochGate::open(std::filesystem::path file) {
  std::uint64_t highest = 0;
  if (std::filesystem::exists(file)) {
    ASSIGN_OR_RETURN(const std::string text, read_file(file));
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), highest);
    if (parsed.ec != std::errc()) {
      return fail(ErrorCode::kInternal, cat(file.string(), " holds no epoch: `", text, "`"));
    }
  }
  return std::unique_ptr<EpochGate>(new EpochGate(std::move(file), highest));
}

Status EpochGate::admit(std::uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  if (epoch < highest_) {
    return fail(ErrorCode::kConflict, cat("epoch ", epoch, " is over: a controller of epoch ",
                                          highest_, " commands this agent"));
  }
  if (epoch == highest_) return {};
  if (epoch - highest_ > limits::kEpochJumpMax) {
    return fail(ErrorCode::kInvalid, cat("epoch ", epoch, " is too far above ", highest_,
                                         ", the highest seen: by ", limits::kEpochJumpMax,
                                         " at most"));
  }
  if (auto written = write_file_durably(file_, std::to_string(epoch) + "\n", 0600); !written) {
    return written;
  }
  highest_ = epoch;
  return {};
}

std::uint64_t EpochGate::highest() const {
  const std::lock_guard lock(mutex_);
  return highest_;
}

}  // namespace panshi::agent
