// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/slow_query.h"

#include "agents/faults/database/admin.h"
#include "agents/faults/database/repeated.h"
#include "agents/faults/effect.h"
#include "agents/faults/upkeep.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kBounded = "SET SESSION max_statement_time = 1";  // seconds
// More rounds than fit into that time.
constexpr const char* kHeavy = "SELECT BENCHMARK(1000000000, SHA2('panshi', 512))";

struct Load {
  std::vector<std::string> ids;  // of the connections, at the server
  std::vector<std::unique_ptr<Repeated>> queries;

  ~Load() {  // all are told before the first is waited for
    for (const auto& query : queries) query->stop();
  }
};

class DbSlowQuery final : public DatabaseFault {
 public:
  DbSlowQuery(const FaultRequest& request, Host& host) : DatabaseFault(request, host) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const auto session, open());
    ASSIGN_OR_RETURN(const auto allowed, one_number(*session, "SELECT @@GLOBAL.max_connections"));
    ASSIGN_OR_RETURN(const auto connected,
                     one_number(*session,
                                "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"
                                " WHERE VARIABLE_NAME = 'THREADS_CONNECTED'"));
    // Not a way of exhausting connections by the way: db.exhaust-connections is that.
    const std::int64_t free = allowed - connected;
    if (free <= request_.integer("sessions")) {
      return fail(ErrorCode::kRefused, cat(service(), " has ", free, " free connections, ",
                                           request_.integer("sessions"), " would take the last"));
    }
    return nlohmann::json::object();
  }

  Status apply(const nlohmann::json& resolved) override {
    const Duration lease = Upkeep::lease_of(resolved);
    auto load = std::make_shared<Load>();
    for (std::int64_t i = 0; i < request_.integer("sessions"); ++i) {
      ASSIGN_OR_RETURN(auto session, open_held(lease));
      ASSIGN_OR_RETURN(std::string id, one_value(*session, "SELECT CONNECTION_ID()"));
      if (auto bounded = run_all(*session, {kBounded}); !bounded) return bounded;
      load->ids.push_back(std::move(id));
      load->queries.push_back(
          std::make_unique<Repeated>(std::move(session), kHeavy, "", Duration::zero()));
    }
    host_.holdings().keep(request_.id, std::move(load));
    return {};
  }

  Status revert(const nlohmann::json&) override {
    host_.holdings().let_go(request_.id);
    return {};
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto load = host_.holdings().get<Load>(request_.id);
    const auto session = open();
    if (!load || !session) return nlohmann::json::object();
    const auto there =
        one_number(**session, cat("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE "
                                  "ID IN (",
                                  join(load->ids, ","), ")"));
    const auto running = one_number(**session,
                                    "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"
                                    " WHERE VARIABLE_NAME = 'THREADS_RUNNING'");
    if (!there || !running) return nlohmann::json::object();
    nlohmann::json measured{{"threads_running", *running}};
    add_effect(measured, {.what = "sessions",
                          .unit = "",
                          .asked = static_cast<double>(request_.integer("sessions")),
                          .measured = static_cast<double>(*there),
                          .tolerance = 0});
    return measured;
  }
};

}  // namespace

std::unique_ptr<Fault> make_db_slow_query(const FaultRequest& request, Host& host) {
  return std::make_unique<DbSlowQuery>(request, host);
}

}  // namespace panshi::agent
