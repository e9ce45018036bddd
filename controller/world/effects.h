// SPDX-License-Identifier: Apache-2.0
// Effects: what the controller has done outside, and all it knows of their kinds. A new kind is a
// name here and a row in effects.cc. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace panshi::controller {

enum class EffectKind { kInject, kRevert, kClear, kAct, kRevertAll, kNotify, kReport };

struct EffectRow {
  EffectKind kind;
  const char* word;    // in the journal
  const char* method;  // of the call to an agent; "": not an agent's, done by the controller itself
  const char* path;    // of the call; {} stands for the subject
  bool reverts;        // once it is asked for, no injection of the same may go out any more
  bool has_own_id;     // its subject is its own id
};
const EffectRow& row_of(EffectKind kind);
std::optional<EffectKind> effect_kind(std::string_view word);

// Its id in the agent's URL is `subject`, so a repeat is harmless. The caller adds `epoch` to what
// goes to an agent. The body of each kind:
//   inject {kind, target, params, lease_ms, drill} · clear {kind, target, params} · revert {}
//   act {kind, params, timeout_ms} · revert_all {reason} · notify {channel, message, page}
//   report {drill}
struct Effect {
  std::string id;
  EffectKind kind = EffectKind::kAct;
  std::string node;     // empty: not an agent's
  std::string subject;  // the fault's id, the action's (the effect's own), or empty
  nlohmann::json body = nlohmann::json::object();
  Duration timeout = std::chrono::seconds(5);  // act: until the action is finished

  bool is_for_agent() const;
};

// The data of the event effect.intended, and back; nothing for a kind that this version does not
// know.
nlohmann::json to_json(const Effect& effect);
std::optional<Effect> effect_in(const nlohmann::json& data);

}  // namespace panshi::controller
