// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/saved_key.h"

#include <chrono>
#include <string_view>
#include <thread>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr int kKeyTriesMax = 100;
constexpr std::string_view kDigits = "0123456789abcdef";

std::string hex_of(const std::string& bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Result<std::string> bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = kDigits.find(hex[i]);
    const auto low = i + 1 < hex.size() ? kDigits.find(hex[i + 1]) : kDigits.npos;
    if (high == kDigits.npos || low == kDigits.npos) {
      return fail(ErrorCode::kInvalid, "a saved key is not written in hexadecimal digits");
    }
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace

Result<std::optional<SavedKey>> SavedKey::read(RedisSession& session, const std::string& name) {
  ASSIGN_OR_RETURN(const RedisReply value, session.run({"DUMP", name}));
  ASSIGN_OR_RETURN(const RedisReply expires, session.run({"PEXPIRETIME", name}));
  if (value.kind != RedisReply::Kind::kText || expires.integer == -2) return std::nullopt;
  return SavedKey{.name = name, .value = value.text, .expires_ms = expires.integer};
}

Result<SavedKey> SavedKey::from_json(const nlohmann::json& json) {
  SavedKey key;
  ASSIGN_OR_RETURN(key.name, bytes_of(json.at("name").get<std::string>()));
  ASSIGN_OR_RETURN(key.value, bytes_of(json.at("value").get<std::string>()));
  key.expires_ms = json.at("expires_ms").get<std::int64_t>();
  return key;
}

nlohmann::json SavedKey::to_json() const {
  return {{"name", hex_of(name)}, {"value", hex_of(value)}, {"expires_ms", expires_ms}};
}

Result<bool> SavedKey::is_there(RedisSession& session) const {
  ASSIGN_OR_RETURN(const auto now, read(session, name));
  return now && now->value == value && now->expires_ms == expires_ms;
}

Result<bool> SavedKey::is_expiring(RedisSession& session) const {
  ASSIGN_OR_RETURN(const auto now, read(session, name));
  if (!now) return true;
  ASSIGN_OR_RETURN(const RedisReply left, session.run({"PTTL", name}));
  return now->value == value && left.integer != -1 && left.integer <= kExpiringMs;
}

// Reverted within the millisecond, the key is still there, and would be gone in the next.
Status SavedKey::restore(RedisSession& session) const {
  std::vector<std::string> command = {"RESTORE", name, expires_ms < 0 ? "0" : cat(expires_ms),
                                      value};
  if (expires_ms >= 0) command.emplace_back("ABSTTL");
  for (int tries = 0; tries < kKeyTriesMax; ++tries) {
    const auto back = session.run(command);
    if (back) return {};
    if (!back.error().message.starts_with("BUSYKEY")) return tl::unexpected(back.error());
    ASSIGN_OR_RETURN(const bool expiring, is_expiring(session));
    if (!expiring) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return fail(ErrorCode::kTimeout, "a key that is expiring does not go");
}

std::string pattern_of(const std::string& prefix) {
  std::string pattern;
  for (const char each : prefix) {
    if (std::string_view("*?[]\\").find(each) != std::string_view::npos) pattern += '\\';
    pattern += each;
  }
  return pattern + "*";
}

}  // namespace panshi::agent
