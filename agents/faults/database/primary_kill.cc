// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/primary_kill.h"

#include "agents/faults/database/admin.h"
#include "agents/faults/process/kill.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

FaultRequest kill_of(const FaultRequest& request) {
  return {.id = request.id, .target = request.target, .params = {{"signal", "KILL"}}};
}

class DbPrimaryKill final : public DatabaseFault {
 public:
  DbPrimaryKill(const FaultRequest& request, Host& host)
      : DatabaseFault(request, host), kill_(make_process_kill(kill_of(request), host)) {}

  Result<nlohmann::json> resolve() override {
    if (auto primary = check_primary(); !primary) return tl::unexpected(primary.error());
    return kill_->resolve();
  }
  Status apply(const nlohmann::json& resolved) override { return kill_->apply(resolved); }
  Status revert(const nlohmann::json& resolved) override { return kill_->revert(resolved); }
  nlohmann::json measure(const nlohmann::json& resolved) const override {
    return kill_->measure(resolved);
  }

 private:
  Status check_primary() const {
    ASSIGN_OR_RETURN(const auto session, open());
    ASSIGN_OR_RETURN(const auto follows, session->run_named("SHOW SLAVE STATUS"));
    if (!follows.empty()) {
      return fail(ErrorCode::kRefused, cat(service(), " is a replica now, not a primary"));
    }
    ASSIGN_OR_RETURN(const auto read_only, one_number(*session, "SELECT @@GLOBAL.read_only"));
    if (read_only == 0) return {};
    return fail(ErrorCode::kRefused, cat(service(), " is read-only now, not a primary"));
  }

  const std::unique_ptr<Fault> kill_;
};

}  // namespace

std::unique_ptr<Fault> make_db_primary_kill(const FaultRequest& request, Host& host) {
  return std::make_unique<DbPrimaryKill>(request, host);
}

}  // namespace panshi::agent
