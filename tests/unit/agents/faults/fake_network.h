// SPDX-License-Identifier: Apache-2.0
// FakeNetwork: packet rules and one interface `eth0` in memory. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "agents/host/foreign_rules.h"
#include "agents/host/network.h"
#include "agents/host/packet_tap.h"
#include "tests/unit/agents/faults/hook.h"

namespace panshi::agent {

class FakeNetwork final : public Network {
 public:
  explicit FakeNetwork(const Hook& on_touch) : on_touch_(on_touch) {}

  std::string foreign;  // a root discipline that somebody else has set

  bool healthy() const {
    const std::lock_guard lock(mutex_);
    return rules_.empty() && !shaped_;
  }

  std::string why_no_rules() override { return {}; }
  std::string why_no_redirect() override { return {}; }
  Result<std::string> name_server() override { return "192.0.2.53"; }
  Result<std::uint16_t> free_port() override { return 40'053; }
  Result<std::shared_ptr<void>> start_redirect(const std::string& fault, const std::string&,
                                               std::uint16_t) override {
    return start_rules(fault, {});
  }
  Result<std::shared_ptr<void>> start_rules(const std::string& fault, const PacketRules&) override {
    if (auto touched = on_touch_("rules"); !touched) return tl::unexpected<Error>(touched.error());
    const std::lock_guard lock(mutex_);
    rules_.insert(fault);
    return std::make_shared<int>(0);
  }
  Status end_rules(const std::string& fault) override {
    if (auto touched = on_touch_("end_rules"); !touched) return touched;
    const std::lock_guard lock(mutex_);
    rules_.erase(fault);
    return {};
  }
  Result<CaughtPackets> caught(const std::string&) override {
    return CaughtPackets{.met = 140, .caught = 7};
  }
  std::string table_of(const std::string& fault) const override { return "panshi_" + fault; }
  std::vector<std::string> rules() override {
    const std::lock_guard lock(mutex_);
    return {rules_.begin(), rules_.end()};
  }

  std::vector<ForeignRule> foreign_rules() override { return foreign_packets; }
  std::vector<ForeignRule> foreign_packets;
  std::string why_no_discipline(const std::string&) override { return {}; }
  Result<std::string> discipline(const std::string&) override {
    const std::lock_guard lock(mutex_);
    return shaped_ ? "netem" : foreign;
  }
  bool is_ours(const std::string&) override {
    const std::lock_guard lock(mutex_);
    return shaped_;
  }
  Status set_discipline(const std::string&, const std::vector<std::string>&) override {
    if (auto touched = on_touch_("qdisc"); !touched) return touched;
    const std::lock_guard lock(mutex_);
    if (shaped_) return fail(ErrorCode::kConflict, "there is one");
    shaped_ = true;
    return {};
  }
  Result<TapReport> look_at(const TapPlan& plan) override { return seen(plan); }
  // Of a look through `eth0`: by default as ordered by the defaults of each kind.
  std::function<Result<TapReport>(const TapPlan&)> seen = [](const TapPlan& plan) {
    TapReport report;
    std::int64_t sent = 0;
    for (std::size_t i = 0; i < plan.packets; ++i) {
      const bool lost = plan.packets == 1'000 && i % 20 == 0;
      report.packets.push_back({.times = lost ? 0U : 1U, .delay = std::chrono::milliseconds(100)});
      const auto bytes = static_cast<std::int64_t>(plan.size);
      report.sent.push_back({from_us(1'000'000 * sent / (128 << 10)), bytes});
      sent += bytes;
    }
    return report;
  };
  Status clear_discipline(const std::string&) override {
    if (auto touched = on_touch_("qdisc del"); !touched) return touched;
    const std::lock_guard lock(mutex_);
    shaped_ = false;
    return {};
  }

 private:
  const Hook& on_touch_;
  mutable std::mutex mutex_;
  std::set<std::string> rules_;
  bool shaped_ = false;
};

}  // namespace panshi::agent
