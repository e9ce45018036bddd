// SPDX-License-Identifier: Apache-2.0
// AgentSession: the conversation with one agent, call by call.
//
// First contact: a poll that does not wait brings what was missed (none twice: see AgentCursor),
// then the status is fetched, then one long poll follows the other. A new run of the agent, or lost
// events, mean a new status; silence longer than `lost_after` means AgentLost, said once. Calls
// that fail are repeated with growing pauses. There is never more than one call under way.
// An agent that answers but refuses us is as good as silent; its reason is told with AgentLost, and
// again when the reason becomes another one for `lost_after`.
//
// What an agent says beyond its budget is dropped and told; who floods is called more slowly.
//
// Pure: the caller sends the calls and says what came of them. Owned by the thread `fleet`.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "controller/fleet/agent_budget.h"
#include "controller/loop/letter.h"
#include "controller/loop/needs.h"
#include "core/io/http_client.h"

namespace panshi::controller {

struct Instant {  // one moment on both clocks
  MonoTime mono;
  WallTime wall;  // the controller's AnchoredClock
};

// False: the loop's mailbox is full; the same is delivered again later.
using Deliver = std::function<bool(Letter)>;

class AgentSession {
 public:
  struct Options {
    std::string node;
    std::string url;
    std::string token_file;  // named when the token is refused
    Duration lease;
    Duration poll;  // wait of a long poll
    Duration lost_after;
  };
  // `from`: how far earlier runs of the controller came; empty `start_id`: never met.
  AgentSession(Options options, AgentCursor from);

  // The call to make now, if it is time for one. Its token is the caller's to add.
  std::optional<HttpCall> next_call(const Needs& needs, MonoTime now);
  void answered(const Result<HttpReply>& reply, Instant at, const Deliver& deliver);
  void tick(MonoTime now, const Deliver& deliver);
  // We were asleep (a frozen process, a paused machine): no agent was silent meanwhile.
  void we_slept(MonoTime from, MonoTime until);
  std::optional<MonoTime> next_deadline() const;

  bool up() const { return up_; }
  // The last call was refused for its token: read it again.
  bool token_refused() const { return token_refused_; }

 private:
  enum class Phase { kCatchUp, kStatus, kFollow };
  // Why calls fail; told anew only when this changes, whatever the words are.
  enum class Trouble { kNone, kUnreachable, kNoToken, kToken, kEpoch, kOther };

  HttpCall poll_call(const Needs& needs, MonoTime now) const;
  Status take_poll(const nlohmann::json& answer, Instant at, const Deliver& deliver);
  Status take_status(const nlohmann::json& answer, WallTime at, const Deliver& deliver);
  std::string not_an_agent(const std::string& words) const;
  void refused(const HttpReply& reply, MonoTime now);
  void failed(Trouble trouble, std::string why, MonoTime now);
  bool has_news(MonoTime now) const;

  const Options options_;
  AgentCursor cursor_;
  AgentBudget budget_;
  bool met_;  // the cursor is of an earlier contact: missed events are ours
  Phase phase_ = Phase::kCatchUp;
  bool under_way_ = false;
  bool up_ = false;
  bool token_refused_ = false;
  bool owes_status_ = false;          // events were dropped since the last one
  MonoTime call_at_{};                // not before
  MonoTime last_answer_{};            // while up
  Duration pause_{};                  // before the next repeat
  Trouble trouble_ = Trouble::kNone;  // of the calls since the last that was answered
  Trouble told_ = Trouble::kNone;
  MonoTime trouble_since_{};
  std::string why_ = "no answer";
  std::optional<WallTime> heard_at_;  // the last answer to a poll, of this run of ours
};

// The agent's own words in {"code","error"}, else status and start of the body.
std::string words_of(const HttpReply& reply);

}  // namespace panshi::controller
