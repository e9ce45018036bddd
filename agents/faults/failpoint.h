// SPDX-License-Identifier: Apache-2.0
// Moments in a fault's life at which a test lets the agent die.
//
// In an agent that is shipped reach() does nothing and nothing can change that: a test's agent is
// linked with a function of its own in its place (tests/integration/agents/matrix).
#pragma once

namespace panshi::agent {

enum class Stage {
  kBeforeIntent,  // resolved, nothing is on disk yet
  kIntent,        // the undo record is on disk, nothing is touched yet
  kApplied,       // the host is broken, nobody was told
  kReverting,     // about to be mended
  kReverted,      // mended, not remembered yet
  kRemembered,    // remembered as ended, the undo record is still there
};

void reach(Stage stage);  // on the thread that works on the fault

}  // namespace panshi::agent
