// SPDX-License-Identifier: Apache-2.0
// The limit of open descriptors: raised for this process, given back to its children.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "core/base/result.h"

namespace panshi {

// Raises the soft limit to `wanted`; where the hard one is lower and may not be raised, to that.
// Says what it is now. Once, while there is one thread.
Result<std::size_t> raise_descriptor_limit(std::size_t wanted);

// Gives a child the limits this process had before; nothing when they were not raised. Any thread.
void restore_descriptor_limit(pid_t child);

}  // namespace panshi
