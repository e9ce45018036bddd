// SPDX-License-Identifier: Apache-2.0
// redis.memory-full: the server refuses whatever needs memory, as one that has used up its own.
//
// `noeviction` comes before the bound and goes after it, so not one key is evicted. Both settings
// are put back to what the undo record says they were.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

inline constexpr const char* kFullMemory = "1";  // byte: less than any server uses

std::unique_ptr<Fault> make_redis_memory_full(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
