// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/exhaust.h"

#include "agents/faults/database/admin.h"
#include "agents/faults/upkeep.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kAllowed = "SELECT @@GLOBAL.max_connections";
constexpr const char* kConnected =
    "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"
    " WHERE VARIABLE_NAME = 'THREADS_CONNECTED'";

// How long what a client gives back is free.
constexpr Duration kRefillEvery = std::chrono::milliseconds(250);

struct Sessions {
  std::mutex mutex;  // of `all`
  std::vector<std::unique_ptr<SqlSession>> all;
  std::unique_ptr<Upkeep> upkeep;  // last: they use the others
  std::unique_ptr<Upkeep> refill;
};

class DbExhaustConnections final : public DatabaseFault {
 public:
  DbExhaustConnections(const FaultRequest& request, Host& host) : DatabaseFault(request, host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open());
    ASSIGN_OR_RETURN(const auto allowed, one_number(*session, kAllowed));
    ASSIGN_OR_RETURN(const auto connected, one_number(*session, kConnected));
    const std::int64_t free = allowed - connected + 1;  // this session leaves again
    if (free > request_.integer("most")) {
      return fail(ErrorCode::kRefused,
                  cat(service(), " has ", free, " free connections, params.most",
                      " lets no more than ", request_.integer("most"), " be taken"));
    }
    return nlohmann::json{{"allowed", allowed}};
  }

  Status apply(const nlohmann::json& resolved) override {
    const Duration lease = Upkeep::lease_of(resolved);
    const auto allowed = resolved.at("allowed").get<std::int64_t>();
    auto held = std::make_shared<Sessions>();
    ASSIGN_OR_RETURN(auto first, open_held(lease));
    held->all.push_back(std::move(first));
    if (auto taken = take_free(*held, allowed, lease, true); !taken) return taken;
    if (held->all.empty()) {
      return fail(ErrorCode::kUnavailable, "clients took the last connection");
    }
    held->upkeep = std::make_unique<Upkeep>(Upkeep::every(lease), [=, this, raw = held.get()] {
      const std::lock_guard lock(raw->mutex);
      for (const auto& session : raw->all) (void)session->run(kStillHere);
    });
    held->refill = std::make_unique<Upkeep>(kRefillEvery, [=, this, raw = held.get()] {
      const std::lock_guard lock(raw->mutex);
      (void)take_free(*raw, allowed, lease, false);
    });
    host_.holdings().keep(request_.id, std::move(held));
    return {};
  }

  Status revert(const nlohmann::json&) override {
    host_.holdings().let_go(request_.id);
    return {};
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    const auto held = host_.holdings().get<Sessions>(request_.id);
    nlohmann::json measured{{"held", 0}, {"allowed", resolved.at("allowed").get<std::int64_t>()}};
    if (held == nullptr) return measured;
    // Asked in one of them: the administrators' slot may be taken.
    const std::lock_guard lock(held->mutex);
    measured["held"] = held->all.size();
    if (const auto connected = one_number(*held->all.front(), kConnected)) {
      measured["connected"] = *connected;
    }
    return measured;
  }

 private:
  // Whoever calls holds the mutex. Bounded also where clients come and go meanwhile.
  Status take_free(Sessions& held, std::int64_t allowed, Duration lease, bool last_is_new) const {
    const auto most = static_cast<std::size_t>(request_.integer("most"));
    for (std::int64_t tries = 0; tries < allowed; ++tries) {
      ASSIGN_OR_RETURN(const auto connected, one_number(*held.all.front(), kConnected));
      if (connected > allowed && last_is_new)
        held.all.pop_back();  // a client was faster: not the administrators' slot
      if (connected >= allowed || held.all.size() >= most) break;
      ASSIGN_OR_RETURN(auto another, open_held(lease));
      held.all.push_back(std::move(another));
      last_is_new = true;
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<Fault> make_db_exhaust_connections(const FaultRequest& request, Host& host) {
  return std::make_unique<DbExhaustConnections>(request, host);
}

}  // namespace panshi::agent
