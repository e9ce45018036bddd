// SPDX-License-Identifier: Apache-2.0
// EpochGate: lets no controller act that has been replaced.
//
// The highest epoch ever seen is on disk before a call that carried it is let through. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>

#include "core/base/result.h"

namespace panshi::agent {

class EpochGate {
 public:
  // Reads `file`; absent means 0. kInternal when it cannot be understood.
  static Result<std::unique_ptr<EpochGate>> open(std::filesystem::path file);

  // kConflict when `epoch` is lower than the highest, kInvalid when it is too far above
  // (limits::kEpochJumpMax), kInternal when it could not be written.
  Status admit(std::uint64_t epoch);
  std::uint64_t highest() const;

 private:
  EpochGate(std::filesystem::path file, std::uint64_t highest)
      : file_(std::move(file)), highest_(highest) {}

  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::uint64_t highest_;
};

}  // namespace panshi::agent
