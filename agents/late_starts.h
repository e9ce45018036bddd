// SPDX-License-Identifier: Apache-2.0
// LateStarts: what listens on a port that somebody else holds now, and is tried until it is free:
// nobody keeps an agent from its work by taking a port of it while it is away. One thread at a
// time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

class LateStarts {
 public:
  // Good once it listens; kConflict: the port is taken.
  using Attempt = std::function<Status()>;
  // Of what came late or has come: `why` is empty once it listens.
  using Tell = std::function<void(const std::string& what, const std::string& why)>;
  // `allowed`: else a port that is taken is an error.
  LateStarts(bool allowed, Tell tell) : allowed_(allowed), tell_(std::move(tell)) {}

  // `what`: "link cardkeys". The error of the attempt, unless it is tried again.
  Status start(const std::string& what, MonoTime now, Attempt attempt);
  void try_again(MonoTime now);
  std::optional<MonoTime> next_try() const;

 private:
  struct Late {
    std::string what;
    Attempt attempt;
  };
  const bool allowed_;
  const Tell tell_;
  std::vector<Late> late_;
  MonoTime next_try_{};
};

}  // namespace panshi::agent
