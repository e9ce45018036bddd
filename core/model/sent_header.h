// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace panshi {

// Of each answer of an agent: its monotonic clock in microseconds when it answered, so that whoever
// reads the answer late (it stood still meanwhile) knows by how much.
inline constexpr const char* kSentHeader = "Panshi-Sent-Us";

}  // namespace panshi
