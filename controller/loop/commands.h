// SPDX-License-Identifier: Apache-2.0
// Commands: what people and scripts ask for, answered at once. Internal to controller/loop.
//
//   drill.run     {scenario | document, seed?}            → {drill, seed}
//   drill.abort   {drill, reason?}                        → {drill}
//   halt          {reason?}                               → {halted: true}
//   resume        {}                                      → {halted: false}
//   fault.apply   {kind, target, params?, for}            → {fault}
//   fault.revert  {fault}                                 → {fault}
//   link.reroute  {node, link, to, established?}          → {effect}
//   link.drain    {node, link, upstream, within?}         → {effect}
//   link.undrain  {node, link, upstream}                  → {effect}
//   link.weights  {node, link, weights}                   → {effect}
//   runbook.run   {runbook, dry_run?}                     → {run}
//   incident.ack  {incident, by?}                         → {incident}
//
// Errors: kInvalid (malformed), kNotFound (lists what exists), kRefused and kConflict (say why).
#pragma once

#include "controller/world/context.h"

namespace panshi::controller {

Result<nlohmann::json> on_command(Context& context, const Command& command);

}  // namespace panshi::controller
