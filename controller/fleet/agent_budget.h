// SPDX-License-Identifier: Apache-2.0
// AgentBudget: how much of what one agent says is taken in. A node that was taken over can say as
// much as its line carries; what of it reaches the loop and the journal is bounded here.
//
// An honest agent's whole backlog passes (its buffer is bounded, too), and for long so much as an
// honest agent says. What is beyond is dropped and counted. Outcomes of effects (`action.done`,
// `fault.*`) have buckets of their own: a flood of probes' events does not hold them up.
//
// Pure. Owned by the thread `fleet`; a copy is what the budget was before.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "controller/world/protocol.h"
#include "core/base/clock.h"
#include "core/base/token_bucket.h"

namespace panshi::controller {

class AgentBudget {
 public:
  AgentBudget();

  void fill(MonoTime now);  // before what came at `now` is taken
  // False: it is to be dropped, and is counted as dropped.
  bool take_event(const std::string& kind, const nlohmann::json& data);
  bool take_sample(const std::string& signal);
  // A status of so many bytes was read; the next one may be asked for then.
  void take_status(std::size_t bytes);
  MonoTime next_status_at() const { return statuses_.solvent_at(); }
  // The same of an answer to a poll, whatever is in it.
  void take_poll(std::size_t bytes) { polls_.take(static_cast<double>(bytes)); }
  MonoTime next_poll_at() const { return polls_.solvent_at(); }

  bool dropped_any() const { return dropped_.any(); }  // since `fill`
  bool dropped_events() const { return dropped_.events > 0; }
  // What is to be told of: nothing while the last was told of less than a minute ago.
  AgentFlood untold(MonoTime now);

 private:
  struct Share {
    TokenBucket events;
    TokenBucket bytes;
    std::size_t event_max;  // bytes
  };
  bool drop(std::int64_t AgentFlood::*what);

  Share outcomes_;
  Share others_;
  TokenBucket samples_;
  TokenBucket statuses_;  // bytes
  TokenBucket polls_;     // bytes
  AgentFlood dropped_;    // since `fill`
  AgentFlood untold_;
  std::optional<MonoTime> told_at_;
};

}  // namespace panshi::controller
