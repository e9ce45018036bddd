// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/lock_table.h"

#include "agents/faults/database/admin.h"
#include "agents/faults/upkeep.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

struct HeldLock {
  std::unique_ptr<SqlSession> session;  // the thread that reverts
  std::int64_t id = 0;                  // of the connection, at the server
  std::unique_ptr<Upkeep> upkeep;       // last: it uses the session
};

class DbLockTable final : public DatabaseFault {
 public:
  DbLockTable(const FaultRequest& request, Host& host) : DatabaseFault(request, host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open());
    return find_table(*session, request_.text("table"));
  }

  Status apply(const nlohmann::json& resolved) override {
    const Duration lease = Upkeep::lease_of(resolved);
    auto held = std::make_shared<HeldLock>();
    ASSIGN_OR_RETURN(held->session, open_held(lease));
    ASSIGN_OR_RETURN(held->id, one_number(*held->session, "SELECT CONNECTION_ID()"));
    auto locked = held->session->run(cat("LOCK TABLES ", table_name(resolved), " WRITE"));
    if (!locked) return fail(locked.error(), "lock the table");
    held->upkeep = std::make_unique<Upkeep>(
        Upkeep::every(lease), [raw = held.get()] { (void)raw->session->run(kStillHere); });
    host_.holdings().keep(request_.id, std::move(held));
    return {};
  }

  Status revert(const nlohmann::json&) override {
    // Said aloud, because a server sees the end of a connection only a moment later.
    if (const auto held = host_.holdings().get<HeldLock>(request_.id)) {
      held->upkeep.reset();
      (void)held->session->run("UNLOCK TABLES");
    }
    host_.holdings().let_go(request_.id);
    return {};
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto held = host_.holdings().get<HeldLock>(request_.id);
    if (!held) return {{"locked", false}};
    const auto session = open();
    if (!session) return nlohmann::json::object();
    const auto alive = one_number(
        **session,
        cat("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ", held->id));
    const auto waiting = one_number(**session,
                                    "SELECT COUNT(*) FROM information_schema.PROCESSLIST "
                                    "WHERE STATE LIKE 'Waiting for table%lock'");
    if (!alive || !waiting) return nlohmann::json::object();
    return {{"locked", *alive == 1}, {"waiting", *waiting}};
  }
};

}  // namespace

std::unique_ptr<Fault> make_db_lock_table(const FaultRequest& request, Host& host) {
  return std::make_unique<DbLockTable>(request, host);
}

}  // namespace panshi::agent
