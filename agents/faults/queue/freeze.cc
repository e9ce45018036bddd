// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/queue/freeze.h"

#include "agents/faults/process/pause.h"
#include "agents/faults/queue/admin.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

class Freeze : public Fault {
 public:
  Status apply(const nlohmann::json& resolved) override { return pause_->apply(resolved); }
  Status revert(const nlohmann::json& resolved) override { return pause_->revert(resolved); }
  nlohmann::json measure(const nlohmann::json& resolved) const override {
    return pause_->measure(resolved);
  }

 protected:
  Freeze(const FaultRequest& request, Host& host)
      : request_(request), host_(host), pause_(make_process_pause(request, host)) {}

  const FaultRequest request_;
  Host& host_;
  const std::unique_ptr<Fault> pause_;
};

class QueueLeaderStop final : public Freeze {
 public:
  QueueLeaderStop(const FaultRequest& request, Host& host) : Freeze(request, host) {}

  Result<nlohmann::json> resolve() override {
    if (auto leads = check_leader(); !leads) return tl::unexpected(leads.error());
    return pause_->resolve();
  }

 private:
  Status check_leader() const {
    const std::string& stream = request_.text("stream");
    if (auto named = check_name("stream", stream); !named) return named;
    ASSIGN_OR_RETURN(const auto session, open_nats(host_, request_.target));
    ASSIGN_OR_RETURN(const std::string own, session->server_name());
    ASSIGN_OR_RETURN(const auto info, session->ask(cat("STREAM.INFO.", stream), nullptr));
    // One server alone leads whatever it has, and is in no cluster.
    if (!info.contains("cluster")) return {};
    const std::string leader = info.at("cluster").value("leader", std::string());
    if (leader == own) return {};
    return fail(ErrorCode::kRefused, cat("stream ", stream, " is led by ",
                                         leader.empty() ? "nobody" : leader, " now, not by ", own));
  }
};

class QueueConsumerStall final : public Freeze {
 public:
  QueueConsumerStall(const FaultRequest& request, Host& host) : Freeze(request, host) {}

  Result<nlohmann::json> resolve() override {
    for (const char* name : {"stream", "consumer"}) {
      if (auto named = check_name(name, request_.text(name)); !named) {
        return tl::unexpected(named.error());
      }
    }
    ASSIGN_OR_RETURN(const auto before, consumer());
    ASSIGN_OR_RETURN(auto resolved, pause_->resolve());
    resolved["pending_before"] = before.value("num_pending", std::int64_t{0});
    return resolved;
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    nlohmann::json measured = pause_->measure(resolved);
    const auto now = consumer();
    if (!now) return measured;
    measured["pending"] = now->value("num_pending", std::int64_t{0});
    measured["unacknowledged"] = now->value("num_ack_pending", std::int64_t{0});
    measured["pending_before"] = resolved.value("pending_before", std::int64_t{0});
    return measured;
  }

 private:
  Result<nlohmann::json> consumer() const {
    ASSIGN_OR_RETURN(const auto session, open_nats(host_, request_.target));
    return session->ask(
        cat("CONSUMER.INFO.", request_.text("stream"), ".", request_.text("consumer")), nullptr);
  }
};

}  // namespace

std::unique_ptr<Fault> make_queue_leader_stop(const FaultRequest& request, Host& host) {
  return std::make_unique<QueueLeaderStop>(request, host);
}
std::unique_ptr<Fault> make_queue_consumer_stall(const FaultRequest& request, Host& host) {
  return std::make_unique<QueueConsumerStall>(request, host);
}

}  // namespace panshi::agent
