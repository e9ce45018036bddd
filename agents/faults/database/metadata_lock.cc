// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/metadata_lock.h"

#include <thread>

#include "agents/faults/database/admin.h"
#include "agents/faults/database/repeated.h"
#include "agents/faults/upkeep.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

// Well below what a statement of an admin session may take, which would end the session.
constexpr int kWaitSeconds = 3;
constexpr int kWaiting = 3;  // sessions; each begins to wait a second after the one before

struct Queue {
  std::unique_ptr<SqlSession> reader;  // with the open transaction; the thread that reverts
  std::string id;                      // of its connection, at the server
  std::vector<std::unique_ptr<Repeated>> waiting;
  std::unique_ptr<Upkeep> upkeep;  // of the reader

  ~Queue() {  // who waits is told first, and let through by the end of the transaction
    upkeep.reset();
    for (const auto& each : waiting) each->stop();
    if (reader) (void)reader->run("COMMIT");
  }
};

class DbMetadataLock final : public DatabaseFault {
 public:
  DbMetadataLock(const FaultRequest& request, Host& host) : DatabaseFault(request, host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open());
    return find_table(*session, request_.text("table"));
  }

  Status apply(const nlohmann::json& resolved) override {
    const Duration lease = Upkeep::lease_of(resolved);
    const std::string table = table_name(resolved);
    auto queue = std::make_shared<Queue>();
    ASSIGN_OR_RETURN(auto reader, open_held(lease));
    ASSIGN_OR_RETURN(queue->id, one_value(*reader, "SELECT CONNECTION_ID()"));
    if (auto read =
            run_all(*reader, {"START TRANSACTION", cat("SELECT 1 FROM ", table, " LIMIT 0")});
        !read) {
      return read;
    }
    queue->reader = std::move(reader);
    queue->upkeep = std::make_unique<Upkeep>(
        Upkeep::every(lease), [raw = queue.get()] { (void)raw->reader->run(kStillHere); });
    for (int i = 0; i < kWaiting; ++i) {
      ASSIGN_OR_RETURN(auto session, open_held(lease));  // it may have the table when we freeze
      queue->waiting.push_back(std::make_unique<Repeated>(
          std::move(session), cat("LOCK TABLES ", table, " WRITE WAIT ", kWaitSeconds),
          "UNLOCK TABLES", std::chrono::seconds(i)));
    }
    host_.holdings().keep(request_.id, std::move(queue));
    return await_waiting();
  }

  Status revert(const nlohmann::json&) override {
    host_.holdings().let_go(request_.id);
    return {};
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto queue = host_.holdings().get<Queue>(request_.id);
    if (!queue) return {{"locked", false}};
    const auto session = open();
    if (!session) return nlohmann::json::object();
    const auto open_still = one_number(
        **session,
        cat("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ", queue->id));
    const auto waiting = count_waiting(**session);
    if (!open_still || !waiting) return nlohmann::json::object();
    return {{"locked", *open_still == 1 && *waiting > 0}, {"waiting", *waiting}};
  }

 private:
  static Result<std::int64_t> count_waiting(SqlSession& session) {
    return one_number(session,
                      "SELECT COUNT(*) FROM information_schema.PROCESSLIST "
                      "WHERE STATE = 'Waiting for table metadata lock'");
  }

  // In force is the fault only when the first of them waits at the server.
  Status await_waiting() const {
    ASSIGN_OR_RETURN(const auto session, open());
    for (int look = 0; look < kLooksMax; ++look) {
      ASSIGN_OR_RETURN(const auto waiting, count_waiting(*session));
      if (waiting > 0) return {};
      std::this_thread::sleep_for(kBetweenLooks);
    }
    return fail(ErrorCode::kTimeout, "nobody waits for the table's metadata lock");
  }

  static constexpr int kLooksMax = 300;
  static constexpr auto kBetweenLooks = std::chrono::milliseconds(10);
};

}  // namespace

std::unique_ptr<Fault> make_db_metadata_lock(const FaultRequest& request, Host& host) {
  return std::make_unique<DbMetadataLock>(request, host);
}

}  // namespace panshi::agent
