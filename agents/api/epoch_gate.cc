// SPDX-License-Identifier: Apache-2.0
#include "agents/api/epoch_gate.h"

#include <sstream>

#include "agents/limits.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/model/epoch.h"

namespace panshi::agent {

// The file: "12\n", "12 0a1b…\n" or "12 0a1b… 99c4…\n": the epoch, the controller, its start.
Result<std::unique_ptr<EpochGate>> EpochGate::open(std::filesystem::path file) {
  std::uint64_t highest = 0;
  EpochCaller holder;
  if (std::filesystem::exists(file)) {
    ASSIGN_OR_RETURN(const std::string text, read_file(file));
    std::istringstream words(text);
    if (!(words >> highest)) {
      return fail(ErrorCode::kInternal, cat(file.string(), " holds no epoch: `", text, "`"));
    }
    words >> holder.controller >> holder.start;
  }
  return std::unique_ptr<EpochGate>(new EpochGate(std::move(file), highest, std::move(holder)));
}

Status EpochGate::refusal(std::uint64_t epoch, const EpochCaller& caller) const {
  if (epoch < highest_) {
    return fail(ErrorCode::kConflict, cat("epoch ", epoch, " is over: a controller of epoch ",
                                          highest_, " commands this agent"));
  }
  const bool known = caller.controller.empty() || caller.controller == holder_.controller;
  const bool may_come = holder_.controller.empty() || (caller.takes_over && epoch > highest_);
  if (!known && !may_come) {
    return fail(ErrorCode::kConflict,
                cat("another controller (", holder_.controller, ", epoch ", highest_,
                    ") commands this agent, not ", caller.controller));
  }
  const bool copied = epoch == highest_ && !caller.start.empty() && !holder_.start.empty() &&
                      caller.start != holder_.start;
  if (known && copied) {
    return fail(ErrorCode::kConflict,
                cat("another controller with a copy of this one's state (", holder_.controller,
                    ", epoch ", highest_,
                    ") commands this agent: stop one of the two for good. Whichever is restarted "
                    "next takes command"));
  }
  // Nobody has commanded a new agent: it takes the epoch of who comes, with room for all that
  // follow.
  const bool is_new = highest_ == 0 && holder_.controller.empty();
  const std::uint64_t most =
      is_new ? limits::kEpochFirstMax : highest_ + static_cast<std::uint64_t>(kEpochJumpMax);
  if (epoch > most) {
    return fail(ErrorCode::kInvalid, cat("epoch ", epoch, " is too far above ", highest_,
                                         ", the highest seen: ", most, " at most"));
  }
  return {};
}

Status EpochGate::admit(std::uint64_t epoch, const EpochCaller& caller) {
  const std::lock_guard lock(mutex_);
  if (auto refused = refusal(epoch, caller); !refused) return refused;
  EpochCaller holder = holder_;
  if (!caller.controller.empty()) holder = {.controller = caller.controller, .start = caller.start};
  if (epoch == highest_ && holder.controller == holder_.controller &&
      holder.start == holder_.start) {
    return {};
  }
  std::string text = std::to_string(epoch);
  for (const std::string& word : {holder.controller, holder.start}) {
    if (!word.empty()) text += " " + word;
  }
  if (auto written = write_file_durably(file_, text + "\n", 0600); !written) return written;
  highest_ = epoch;
  holder_ = std::move(holder);
  return {};
}

std::uint64_t EpochGate::highest() const {
  const std::lock_guard lock(mutex_);
  return highest_;
}

}  // namespace panshi::agent
