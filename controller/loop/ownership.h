// SPDX-License-Identifier: Apache-2.0
// Ownership: nodes take the names of signals that the inventory gives to nobody, and let go of
// them; what they say of others' is told. Internal to controller/loop.
//
// A name is of the node that was the first to offer or to send it, until its agent's status does
// not offer it any more. That is in the journal (`agent.signals`), since after a restart a liar may
// be the first to come.
#pragma once

#include "controller/world/context.h"

namespace panshi::controller {

// Tells that the agent spoke of what is not its own: once for each thing, and for a hundred of a
// node, since a liar shall not fill the journal.
void overstep(Context& context, const std::string& node, const std::string& what);

// Whether the sample is to be believed as its node's own; tells it if not.
bool owns_signal(Context& context, const std::string& node, const std::string& signal);

// What an agent offers in its status: nobody's are its own from here on, its own that are missing
// are nobody's. An agent that does not say what it offers keeps what it has.
void settle_offer(Context& context, const std::string& node, const AgentOffer& offer);
// Names that it sends and nobody has.
void take_first_sent(Context& context, const AgentEvents& input);

}  // namespace panshi::controller
