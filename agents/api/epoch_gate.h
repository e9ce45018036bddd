// SPDX-License-Identifier: Apache-2.0
// EpochGate: lets no controller act that has been replaced, and no second one beside the first.
//
// The highest epoch ever seen, and who had it, are on disk before a call that carried them is let
// through. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/result.h"

namespace panshi::agent {

struct EpochCaller {
  std::string controller = {};  // "": it does not say
  std::string start = {};       // made anew each time it starts; "": it does not say
  bool takes_over = false;      // it was told to replace the one that commands
};

class EpochGate {
 public:
  // Reads `file`; absent means 0. kInternal when it cannot be understood.
  static Result<std::unique_ptr<EpochGate>> open(std::filesystem::path file);

  // kConflict when `epoch` is lower than the highest, when another controller had that (unless this
  // one takes over, with a higher epoch), or another start of the same one (a copy of its state),
  // kInvalid when it is too far above (kEpochJumpMax), kInternal when it could not be written.
  Status admit(std::uint64_t epoch, const EpochCaller& caller = {});
  std::uint64_t highest() const;

 private:
  EpochGate(std::filesystem::path file, std::uint64_t highest, EpochCaller holder)
      : file_(std::move(file)), highest_(highest), holder_(std::move(holder)) {}
  Status refusal(std::uint64_t epoch, const EpochCaller& caller) const;  // with `mutex_`

  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::uint64_t highest_;
  EpochCaller holder_;  // of the highest epoch
};

}  // namespace panshi::agent
