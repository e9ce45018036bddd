// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace panshi::agent {

// Header of a message that a fault had stored: the fault's id.
inline constexpr const char* kMessageMark = "Panshi-Fault";

}  // namespace panshi::agent
