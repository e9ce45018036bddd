// SPDX-License-Identifier: Apache-2.0
// ServiceWaits: who waits for a service to be ready or stopped, and until when.
//
// Pure; each `done` is called exactly once. Thread `loop`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agents/supervisor/supervisor.h"
#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

class ServiceWaits {
 public:
  using Done = std::function<void(Status)>;

  // REQUIRES: `before` is the service as it was before the Want was given to the supervisor.
  void add(const ServiceView& before, input::Verb verb, MonoTime deadline, Done done);
  // After each step of the supervisor, and at next_deadline().
  void look(const std::vector<ServiceView>& services, MonoTime now);
  std::optional<MonoTime> next_deadline() const;
  void give_up(const std::string& why);

 private:
  struct Wait {
    std::string service;
    input::Verb verb;
    std::uint64_t starts_min;  // a restart wants another start than the one it found
    MonoTime deadline;
    Done done;
  };
  // None: not ended yet.
  static std::optional<Status> outcome(const Wait& wait, const ServiceView& service, MonoTime now);

  std::vector<Wait> waits_;
};

}  // namespace panshi::agent
