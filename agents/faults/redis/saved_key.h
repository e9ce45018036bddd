// SPDX-License-Identifier: Apache-2.0
// SavedKey: one key of a Redis server with all it holds, so that it can be put back exactly. Any
// thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "agents/host/host.h"

namespace panshi::agent {

struct SavedKey {
  std::string name;
  std::string value;             // as DUMP gives it
  std::int64_t expires_ms = -1;  // since 1970; -1: never

  // nullopt: there is no such key.
  static Result<std::optional<SavedKey>> read(RedisSession& session, const std::string& name);
  // Name and value as hexadecimal digits: keys are bytes, JSON is text. kInvalid: malformed.
  static Result<SavedKey> from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;

  // Whether it is as it was saved, its expiry included.
  Result<bool> is_there(RedisSession& session) const;
  // No error when there is a key of that name: whatever it holds is newer. What has expired since
  // it was saved stays away.
  Status restore(RedisSession& session) const;

  static constexpr int kExpiringMs = 1;  // what a key that we expire has left

 private:
  // Still what was saved, but for the millisecond that we have left it; or gone by now.
  Result<bool> is_expiring(RedisSession& session) const;
};

// What SCAN matches by: every key that begins so, and no other.
std::string pattern_of(const std::string& prefix);

}  // namespace panshi::agent
