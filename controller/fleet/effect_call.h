// SPDX-License-Identifier: Apache-2.0
// EffectCall: carries one effect to its agent and says what came of it.
//
// Every verb is idempotent by its id, so an attempt that did not get through, or got no answer, is
// repeated until the effect's timeout. Then: never sent is `failed`, sent without answer is
// `unknown`. A refusal by the agent (4xx) is `failed` at once, with the agent's words. An action
// that is only accepted (202) is `ok` with result.state `running`: its end is an event.
//
// Pure: the caller sends the calls. Owned by the thread `fleet`.
#pragma once

#include <optional>
#include <string>

#include "controller/fleet/agent_session.h"

namespace panshi::controller {

class EffectCall {
 public:
  EffectCall(Effect effect, MonoTime now);

  // REQUIRES: none under way. The token is the caller's to add.
  HttpCall next_call(const std::string& url, std::int64_t epoch, MonoTime now);
  // Empty: try again at call_at().
  std::optional<EffectDone> answered(const Result<HttpReply>& reply, Instant at);
  // A later effect takes this one back: no further attempt is made.
  void withdraw() { withdrawn_ = true; }
  // Its outcome when no further attempt may be made.
  std::optional<EffectDone> give_up(Instant at) const;

  const Effect& effect() const { return effect_; }
  bool under_way() const { return under_way_; }
  MonoTime call_at() const { return call_at_; }
  bool token_refused() const { return token_refused_; }

 private:
  EffectDone done(std::string outcome, std::string detail, Instant at) const;
  EffectDone understood(const nlohmann::json& answer, Instant at) const;

  Effect effect_;
  MonoTime deadline_;
  MonoTime call_at_;
  Duration pause_{};
  bool under_way_ = false;
  bool maybe_sent_ = false;  // some attempt may have been acted on
  bool withdrawn_ = false;
  bool token_refused_ = false;
  std::string why_ = "not sent";
};

}  // namespace panshi::controller
