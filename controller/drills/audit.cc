// SPDX-License-Identifier: Apache-2.0
// The ledger audit: a program of an agent, named in the scenario.
#include "controller/drills/parts.h"

namespace panshi::controller {

void start_audit(Context& context, const DrillFacts& drill) {
  const Audit& audit = *drill.scenario.audit;
  Effect effect;
  effect.kind = EffectKind::kAct;
  effect.node = audit.node;
  effect.timeout = audit.timeout;
  effect.body = {{"kind", "program"},
                 {"params",
                  {{"name", audit.program},
                   {"args", {{"since_us", std::to_string(to_us(drill.started_at))}}}}},
                 {"timeout_ms", audit.timeout / std::chrono::milliseconds(1)}};
  context.intend(std::move(effect), owner_of(drill));
}

}  // namespace panshi::controller
