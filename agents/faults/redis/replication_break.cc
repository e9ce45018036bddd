// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/replication_break.h"

#include <thread>

#include "agents/faults/redis/admin.h"
#include "core/base/struck.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kSecret = "masterauth";
constexpr int kLinkLooksMax = 200;
constexpr auto kBetweenLinkLooks = std::chrono::milliseconds(10);

class RedisReplicationBreak final : public Fault {
 public:
  RedisReplicationBreak(const FaultRequest& request, Host& host)
      : service_(request.target), host_(host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open_redis(host_, service_));
    ASSIGN_OR_RETURN(const RedisLink link, link_of(*session));
    if (!link.replica) return fail(ErrorCode::kRefused, cat(service_, " is no replica now"));
    if (!link.up) {
      return fail(ErrorCode::kRefused, cat(service_, " does not follow its primary now"));
    }
    ASSIGN_OR_RETURN(const RedisReply reply, session->run({"CONFIG", "GET", kSecret}));
    if (reply.list.size() != 2) return fail(ErrorCode::kRefused, cat("no setting ", kSecret));
    never_show(reply.list[1].text);
    return nlohmann::json{{"secret", reply.list[1].text}};
  }

  // In force once the link is down: the replica may be in the middle of a handshake.
  Status apply(const nlohmann::json&) override {
    ASSIGN_OR_RETURN(const auto session, open_redis(host_, service_));
    if (auto wrong = set(*session, kWrongSecret); !wrong) return wrong;
    for (int tries = 0; tries < kLinkLooksMax; ++tries) {
      ASSIGN_OR_RETURN(const RedisLink link, link_of(*session));
      if (!link.up) return {};
      ASSIGN_OR_RETURN([[maybe_unused]] const auto ended,
                       session->run({"CLIENT", "KILL", "TYPE", "master"}));
      std::this_thread::sleep_for(kBetweenLinkLooks);
    }
    return fail(ErrorCode::kTimeout, cat(service_, " keeps following its primary"));
  }

  // Another secret than the fault's is somebody's newer one.
  Status revert(const nlohmann::json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open_redis(host_, service_));
    ASSIGN_OR_RETURN(const RedisReply now, session->run({"CONFIG", "GET", kSecret}));
    if (now.list.size() == 2 && now.list[1].text != kWrongSecret) return {};
    const auto secret = resolved.at("secret").get<std::string>();
    never_show(secret);
    return set(*session, secret);
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto session = open_redis(host_, service_);
    if (!session) return nlohmann::json::object();
    const auto link = link_of(**session);
    if (!link) return nlohmann::json::object();
    return {{"linked", link->up}};
  }

 private:
  static Status set(RedisSession& session, const std::string& secret) {
    ASSIGN_OR_RETURN([[maybe_unused]] const auto done,
                     session.run({"CONFIG", "SET", kSecret, secret}));
    return {};
  }

  const std::string service_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_redis_replication_break(const FaultRequest& request, Host& host) {
  return std::make_unique<RedisReplicationBreak>(request, host);
}

}  // namespace panshi::agent
