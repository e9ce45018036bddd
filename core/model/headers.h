// SPDX-License-Identifier: Apache-2.0
// Headers between controller and agent.
#pragma once

namespace panshi {

// Of each answer of an agent: its monotonic clock in microseconds when it answered, so that whoever
// reads the answer late (it stood still meanwhile) knows by how much.
inline constexpr const char* kSentHeader = "Panshi-Sent-Us";

// Of each call of a controller: who it is, for as long as it keeps its state.
inline constexpr const char* kControllerHeader = "panshi-controller";
// Made anew each time it starts: a copy of its state folder is another one, whatever it calls
// itself.
inline constexpr const char* kControllerStartHeader = "panshi-controller-start";
// Where it listens: "10.0.0.9:17700". An agent on the same machine spares that in network faults.
inline constexpr const char* kControllerAtHeader = "panshi-controller-at";
// Of each call of one that was started with --take-over: "1".
inline constexpr const char* kTakeOverHeader = "panshi-take-over";

}  // namespace panshi
