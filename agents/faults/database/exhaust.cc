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

struct Sessions {
  std::vector<std::unique_ptr<SqlSession>> all;
  std::unique_ptr<Upkeep> upkeep;  // last: it uses the others
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
    // Bounded also where clients come and go meanwhile.
    for (std::int64_t tries = 0; tries < allowed; ++tries) {
      ASSIGN_OR_RETURN(const auto connected, one_number(*held->all.front(), kConnected));
      if (connected > allowed)
        held->all.pop_back();  // a client was faster: not the administrators' slot
      if (connected >= allowed) break;
      ASSIGN_OR_RETURN(auto another, open_held(lease));
      held->all.push_back(std::move(another));
    }
    if (held->all.empty()) {
      return fail(ErrorCode::kUnavailable, "clients took the last connection");
    }
    held->upkeep = std::make_unique<Upkeep>(Upkeep::every(lease), [raw = held.get()] {
      for (const auto& session : raw->all) (void)session->run(kStillHere);
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
    nlohmann::json measured{{"held", held ? held->all.size() : 0},
                            {"allowed", resolved.at("allowed").get<std::int64_t>()}};
    const auto session = open();
    if (!session) return measured;
    if (const auto connected = one_number(**session, kConnected)) {
      measured["connected"] = *connected - 1;  // without the one that asks
    }
    return measured;
  }
};

}  // namespace

std::unique_ptr<Fault> make_db_exhaust_connections(const FaultRequest& request, Host& host) {
  return std::make_unique<DbExhaustConnections>(request, host);
}

}  // namespace panshi::agent
