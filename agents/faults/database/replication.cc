// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/database/replication.h"

#include "agents/faults/database/admin.h"
#include "agents/faults/effect.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

struct Replica {
  bool fetches = false;  // the I/O thread runs, connected or not
  bool applies = false;  // the SQL thread
  std::int64_t delay_s = 0;
  std::string behind_s;  // "" when it does not apply
};

class ReplicationFault : public DatabaseFault {
 public:
  Status revert(const nlohmann::json& resolved) override {
    const Replica before{.fetches = resolved.at("fetches").get<bool>(),
                         .applies = resolved.at("applies").get<bool>(),
                         .delay_s = resolved.at("delay_s").get<std::int64_t>(),
                         .behind_s = {}};
    ASSIGN_OR_RETURN(const auto session, open());
    const auto now = state(*session);
    if (!now && now.error().code == ErrorCode::kRefused) {  // promoted meanwhile, say
      return fail(ErrorCode::kNotFound, now.error().message);
    }
    if (!now) return tl::unexpected(now.error());
    std::vector<std::string> steps;
    if (changed_delay(*now)) steps = delay_steps(before.delay_s);
    // A note when it runs. What the fault did not stop, somebody else may have.
    if (before.fetches && stops("fetch")) steps.emplace_back("START SLAVE IO_THREAD");
    if (before.applies && stops("apply")) steps.emplace_back("START SLAVE SQL_THREAD");
    return run_all(*session, steps);
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto session = open();
    if (!session) return nlohmann::json::object();
    const auto now = state(**session);
    if (!now) return nlohmann::json::object();
    nlohmann::json measured{{"fetches", now->fetches}, {"applies", now->applies}};
    if (!now->behind_s.empty()) {
      measured["behind_s"] = parse_integer(now->behind_s).value_or(0);
    }
    add_effects(*now, measured);
    return measured;
  }

 protected:
  using DatabaseFault::DatabaseFault;

  virtual void add_effects(const Replica&, nlohmann::json&) const {}
  // Whether the delay now is the fault's, and which threads ("fetch", "apply") it stops.
  virtual bool changed_delay(const Replica&) const { return false; }
  virtual bool stops(const std::string&) const { return true; }

  static std::vector<std::string> delay_steps(std::int64_t seconds) {
    return {"STOP SLAVE", cat("CHANGE MASTER TO MASTER_DELAY = ", seconds)};
  }

  // kRefused: no replica, or not following now.
  Result<nlohmann::json> resolve_following() const {
    ASSIGN_OR_RETURN(const auto session, open());
    ASSIGN_OR_RETURN(const Replica now, state(*session));
    if (!now.fetches || !now.applies) {
      return fail(ErrorCode::kRefused, cat(service(), " does not follow its primary now"));
    }
    return nlohmann::json{
        {"fetches", now.fetches}, {"applies", now.applies}, {"delay_s", now.delay_s}};
  }

 private:
  Result<Replica> state(SqlSession& session) const {
    ASSIGN_OR_RETURN(auto rows, session.run_named("SHOW SLAVE STATUS"));
    if (rows.empty()) return fail(ErrorCode::kRefused, cat(service(), " is no replica"));
    auto& row = rows.front();
    return Replica{.fetches = row["Slave_IO_Running"] != "No",
                   .applies = row["Slave_SQL_Running"] != "No",
                   .delay_s = parse_integer(row["SQL_Delay"]).value_or(0),
                   .behind_s = row["Seconds_Behind_Master"]};
  }
};

class DbReplicationStop final : public ReplicationFault {
 public:
  DbReplicationStop(const FaultRequest& request, Host& host) : ReplicationFault(request, host) {}

  Result<nlohmann::json> resolve() override { return resolve_following(); }

  Status apply(const nlohmann::json&) override {
    ASSIGN_OR_RETURN(const auto session, open());
    const std::string& which = request_.text("thread");
    if (which == "fetch") return run_all(*session, {"STOP SLAVE IO_THREAD"});
    if (which == "apply") return run_all(*session, {"STOP SLAVE SQL_THREAD"});
    return run_all(*session, {"STOP SLAVE"});
  }

 private:
  bool stops(const std::string& thread) const override {
    return request_.text("thread") == "both" || request_.text("thread") == thread;
  }
};

class DbReplicationDelay final : public ReplicationFault {
 public:
  DbReplicationDelay(const FaultRequest& request, Host& host) : ReplicationFault(request, host) {}

  Result<nlohmann::json> resolve() override {
    if (request_.duration("delay") % std::chrono::seconds(1) != Duration::zero()) {
      return fail(ErrorCode::kInvalid, "params.delay must be whole seconds");
    }
    return resolve_following();
  }

  Status apply(const nlohmann::json&) override {
    ASSIGN_OR_RETURN(const auto session, open());
    auto steps = delay_steps(asked_s());
    steps.emplace_back("START SLAVE");
    return run_all(*session, steps);
  }

 private:
  std::int64_t asked_s() const {
    return std::chrono::duration_cast<std::chrono::seconds>(request_.duration("delay")).count();
  }
  bool changed_delay(const Replica& now) const override { return now.delay_s == asked_s(); }
  void add_effects(const Replica& now, nlohmann::json& measured) const override {
    add_effect(measured, {.what = "delay",
                          .unit = "s",
                          .asked = static_cast<double>(asked_s()),
                          .measured = static_cast<double>(now.delay_s),
                          .tolerance = 0});
  }
};

}  // namespace

std::unique_ptr<Fault> make_db_replication_stop(const FaultRequest& request, Host& host) {
  return std::make_unique<DbReplicationStop>(request, host);
}
std::unique_ptr<Fault> make_db_replication_delay(const FaultRequest& request, Host& host) {
  return std::make_unique<DbReplicationDelay>(request, host);
}

}  // namespace panshi::agent
