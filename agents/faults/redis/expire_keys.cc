// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/expire_keys.h"

#include <algorithm>

#include "agents/faults/effect.h"
#include "agents/faults/redis/admin.h"
#include "agents/faults/redis/saved_key.h"
#include "core/base/random.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kSeenMax = 100'000;        // keys with that beginning
constexpr std::size_t kSavedBytesMax = 2 << 20;  // of what they hold
constexpr const char* kLooksMaxAtOnce = "1000";  // keys that one SCAN passes

// KEYS key; ARGV dump, expires_ms, ms. Only while it is what was saved.
constexpr const char* kExpireScript = R"lua(
if redis.call('DUMP', KEYS[1]) ~= ARGV[1] then return 0 end
if redis.call('PEXPIRETIME', KEYS[1]) ~= tonumber(ARGV[2]) then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
)lua";

class RedisExpireKeys final : public Fault {
 public:
  RedisExpireKeys(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open());
    ASSIGN_OR_RETURN(const RedisLink link, link_of(*session));
    if (link.replica) {
      return fail(ErrorCode::kRefused, cat(request_.target, " is a replica now, not a primary"));
    }
    ASSIGN_OR_RETURN(std::vector<std::string> keys, find_keys(*session));
    ASSIGN_OR_RETURN(const std::size_t count, how_many(keys.size()));
    choose(keys, count);
    return save(*session, keys);
  }

  Status apply(const json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open());
    for (const json& each : resolved.at("keys")) {
      ASSIGN_OR_RETURN(const SavedKey key, SavedKey::from_json(each));
      ASSIGN_OR_RETURN(
          [[maybe_unused]] const auto done,
          session->run({"EVAL", kExpireScript, "1", key.name, key.value,
                        std::to_string(key.expires_ms), std::to_string(SavedKey::kExpiringMs)}));
    }
    return {};
  }

  Status revert(const json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open());
    for (const json& each : resolved.at("keys")) {
      ASSIGN_OR_RETURN(const SavedKey key, SavedKey::from_json(each));
      if (auto back = key.restore(*session); !back) return back;
    }
    return {};
  }

  json measure(const json& resolved) const override {
    json measured = json::object();
    const auto session = open();
    if (!session) return measured;
    double gone = 0;
    for (const json& each : resolved.at("keys")) {
      const auto key = SavedKey::from_json(each);
      if (!key) return json::object();
      const auto there = key->is_there(**session);
      if (!there) return json::object();
      if (!*there) ++gone;
    }
    const auto asked = static_cast<double>(resolved.at("keys").size());
    add_effect(measured, {.what = "keys expired",
                          .unit = "",
                          .asked = asked,
                          .measured = gone,
                          .tolerance = asked / 20});  // some may have been changed in between
    return measured;
  }

 private:
  Result<std::unique_ptr<RedisSession>> open() const { return open_redis(host_, request_.target); }

  // A SCAN may tell of a key twice.
  Result<std::vector<std::string>> find_keys(RedisSession& session) const {
    std::vector<std::string> keys;
    std::string cursor = "0";
    do {
      ASSIGN_OR_RETURN(const RedisReply page,
                       session.run({"SCAN", cursor, "MATCH", pattern_of(request_.text("prefix")),
                                    "COUNT", kLooksMaxAtOnce}));
      if (page.list.size() != 2) return fail(ErrorCode::kRefused, "SCAN answered no page");
      cursor = page.list[0].text;
      for (const RedisReply& key : page.list[1].list) keys.push_back(key.text);
      if (keys.size() > kSeenMax) {
        return fail(ErrorCode::kRefused, cat("more than ", kSeenMax, " keys begin so"));
      }
    } while (cursor != "0");
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
  }

  // A share is rounded down: never more than was asked for.
  Result<std::size_t> how_many(std::size_t all) const {
    const double share = request_.percent("percent");
    const auto count = static_cast<std::size_t>(share * static_cast<double>(all) / 100);
    if (count == 0) {
      return fail(ErrorCode::kRefused,
                  cat(share, " % of the ", all, " keys that begin so is none"));
    }
    return std::min(count, static_cast<std::size_t>(request_.integer("most")));
  }

  void choose(std::vector<std::string>& keys, std::size_t count) const {
    Random random(static_cast<std::uint64_t>(request_.integer("seed")));
    for (std::size_t i = 0; i < count; ++i) {
      std::swap(keys[i], keys[i + random.below(keys.size() - i)]);
    }
    keys.resize(count);
  }

  // Those that are gone by now are left out.
  static Result<json> save(RedisSession& session, const std::vector<std::string>& keys) {
    json saved = json::array();
    std::size_t bytes = 0;
    for (const std::string& name : keys) {
      ASSIGN_OR_RETURN(const auto key, SavedKey::read(session, name));
      if (!key) continue;
      bytes += key->name.size() + key->value.size();
      if (bytes > kSavedBytesMax) {
        return fail(ErrorCode::kRefused, cat("these keys hold more than ",
                                             size_text(kSavedBytesMax), "; ask for fewer"));
      }
      saved.push_back(key->to_json());
    }
    return json{{"keys", std::move(saved)}};
  }

  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_redis_expire_keys(const FaultRequest& request, Host& host) {
  return std::make_unique<RedisExpireKeys>(request, host);
}

}  // namespace panshi::agent
