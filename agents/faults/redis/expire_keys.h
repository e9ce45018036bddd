// SPDX-License-Identifier: Apache-2.0
// redis.expire-keys: many keys with one beginning expire at the same moment.
//
// What they held and when they were to expire is in the undo record before any is touched, and is
// put back exactly, but for keys that somebody has written anew meanwhile, and those whose time
// would be over by then. A key that was changed since it was read is left alone. On a primary only;
// of a cluster, the keys of that member.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_redis_expire_keys(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
