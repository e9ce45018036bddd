// SPDX-License-Identifier: Apache-2.0
// The real session behind RedisSession. One thread at a time.
#pragma once

#include <memory>

#include "agents/host/host.h"

namespace panshi::agent {

Result<std::unique_ptr<RedisSession>> make_redis_session(const Redis::Options& options);

}  // namespace panshi::agent
