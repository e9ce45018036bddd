// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/admin.h"

namespace panshi::agent {

Result<std::unique_ptr<RedisSession>> open_redis(Host& host, const std::string& service) {
  auto session = host.open_redis(service);
  if (!session && session.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kInvalid, session.error().message);
  }
  return session;
}

Result<RedisLink> link_of(RedisSession& session) {
  ASSIGN_OR_RETURN(const RedisReply reply, session.run({"INFO", "replication"}));
  const auto says = [&](const char* line) { return reply.text.find(line) != std::string::npos; };
  return RedisLink{.replica = says("role:slave"), .up = says("master_link_status:up")};
}

}  // namespace panshi::agent
