// SPDX-License-Identifier: Apache-2.0
// Names of hosts in the one spelling in which they can be compared. Pure. Any thread.
#pragma once

#include <string>

#include "core/base/result.h"

namespace panshi {

// Lower case, without the final dot, each label that is not ASCII as its A-label: "Bücher.DE." is
// "xn--bcher-kva.de". Letters are lowered in Latin, Greek and Cyrillic; what else Unicode would
// map is refused rather than guessed: write its A-label. kInvalid also for an empty or overlong
// label (RFC 1035, 2.3.4) and for characters that no name has.
Result<std::string> comparable_host_name(const std::string& name);

}  // namespace panshi
