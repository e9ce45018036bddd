// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/read_only.h"

#include "agents/faults/database/admin.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kQuery = "SELECT @@GLOBAL.read_only";

class DbReadOnly final : public DatabaseFault {
 public:
  DbReadOnly(const FaultRequest& request, Host& host) : DatabaseFault(request, host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open());
    ASSIGN_OR_RETURN(const auto now, one_number(*session, kQuery));
    if (now != 0) return fail(ErrorCode::kRefused, cat(service(), " is read-only already"));
    return nlohmann::json{{"read_only", now}};
  }

  Status apply(const nlohmann::json&) override {
    ASSIGN_OR_RETURN(const auto session, open());
    return run_all(*session, {"SET GLOBAL read_only = 1"});
  }

  Status revert(const nlohmann::json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open());
    return run_all(*session, {cat("SET GLOBAL read_only = ", resolved.at("read_only").get<int>())});
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto session = open();
    if (!session) return nlohmann::json::object();
    const auto now = one_number(**session, kQuery);
    if (!now) return nlohmann::json::object();
    return {{"read_only", *now != 0}};
  }
};

}  // namespace

std::unique_ptr<Fault> make_db_read_only(const FaultRequest& request, Host& host) {
  return std::make_unique<DbReadOnly>(request, host);
}

}  // namespace panshi::agent
