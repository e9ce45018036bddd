// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/failpoint.h"

namespace panshi::agent {

void reach(Stage) {}

}  // namespace panshi::agent
