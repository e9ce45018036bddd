// SPDX-License-Identifier: Apache-2.0
// What the faults inside Redis have in common: the admin session, and what a server is
// in a replication.
#pragma once

#include <memory>
#include <string>

#include "agents/host/host.h"

namespace panshi::agent {

// As Host::open_redis(), but never kNotFound: a service that left the configuration may still be
// broken, and "gone for ever" is not for the configuration to say.
Result<std::unique_ptr<RedisSession>> open_redis(Host& host, const std::string& service);

struct RedisLink {
  bool replica = false;
  bool up = false;  // of a replica: it follows its primary
};
Result<RedisLink> link_of(RedisSession& session);

// PUBLISH there counts as a write and changes nothing: unanswered, writes are paused.
inline constexpr const char* kProbeChannel = "panshi";

}  // namespace panshi::agent
