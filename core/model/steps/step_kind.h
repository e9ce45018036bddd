// SPDX-License-Identifier: Apache-2.0
// What a step of a runbook does. Each kind is one file beside this one, which owns its name, its
// fields, their checks, its words and its order; step_kinds.cc lists them. Pure.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "core/json/fields.h"
#include "core/model/check_place.h"

namespace panshi {

// What somebody has to do for a step: the agent of `node`, or the controller itself.
struct StepOrder {
  enum class To { kAgent, kNotifier } to = To::kAgent;
  std::string node = {};       // of kAgent
  std::string kind = {};       // of kAgent: the action's (docs/reference/agent-api.md)
  nlohmann::json params = {};  // of the action; of kNotifier {channel, message, page}
};

class StepAction {
 public:
  virtual ~StepAction() = default;
  // What of the system it acts on: "service cardkeys-primary", "link app-1/cardkeys", or empty.
  virtual std::string target() const { return {}; }
  virtual std::string text() const = 0;  // "reroute app-1/cardkeys to standby"
  virtual void check(const Place&) const {}
  // Of one that has waits_for() there is none.
  virtual StepOrder order(const Inventory&) const { return {}; }
  virtual const Comparison* waits_for() const { return nullptr; }
};

struct StepKind {
  const char* name;     // as written in runbooks
  const char* summary;  // a sentence
  std::shared_ptr<const StepAction> (*read)(Fields& in);
  bool idempotent;  // unless a step says otherwise: it may be repeated when its outcome is unknown
  bool routes = false;  // once it is done customers are served again: the phase "routed"
};

std::span<const StepKind> step_kinds();
const StepKind* find_step_kind(std::string_view name);  // null: unknown

}  // namespace panshi
