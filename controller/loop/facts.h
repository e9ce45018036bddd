// SPDX-License-Identifier: Apache-2.0
// Facts: what agents and effects told, put into events. Internal to controller/loop.
#pragma once

#include "controller/world/context.h"

namespace panshi::controller {

void on_restarted(Context& context, const Restarted& input);
void on_agent_events(Context& context, const AgentEvents& input);
void on_agent_state(Context& context, const AgentState& input);
void on_agent_lost(Context& context, const AgentLost& input);
void on_effect_done(Context& context, const EffectDone& input);
void on_clock_moved(Context& context, const ClockMoved& input);
void on_late_loop(Context& context, const LateLoop& input);

// What the inventory, which may be another one now, gives to agents that do not have it.
void compare_inventories(Context& context);

// Agents that were not heard of since our start are down; a doubt that lasted long enough ends.
void advance_contacts(Context& context);
void advance_doubt(Context& context);

}  // namespace panshi::controller
