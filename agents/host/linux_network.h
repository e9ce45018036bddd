// SPDX-License-Identifier: Apache-2.0
// LinuxNetwork: the real node behind Network.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "agents/config/fault_scope.h"
#include "agents/host/network.h"
#include "core/io/process.h"

namespace panshi::agent {

class LinuxNetwork final : public Network {
 public:
  static constexpr int kRulesLastSeconds = 10;  // without anybody who keeps them up

  explicit LinuxNetwork(const FaultScope& scope) : scope_(scope) {}

  std::string why_no_rules() override;
  std::string why_no_redirect() override;
  Result<std::string> name_server() override;
  Result<std::uint16_t> free_port() override;
  Result<std::shared_ptr<void>> start_rules(const std::string& fault,
                                            const PacketRules& rules) override;
  Result<std::shared_ptr<void>> start_redirect(const std::string& fault, const std::string& server,
                                               std::uint16_t port) override;
  Status end_rules(const std::string& fault) override;
  Result<CaughtPackets> caught(const std::string& fault) override;
  std::vector<std::string> rules() override;
  std::string table_of(const std::string& fault) const override;
  std::vector<ForeignRule> foreign_rules() override;
  std::string why_no_discipline(const std::string& discipline) override;
  Result<std::string> discipline(const std::string& interface) override;
  bool is_ours(const std::string& interface) override;
  Status set_discipline(const std::string& interface,
                        const std::vector<std::string>& words) override;
  Result<TapReport> look_at(const TapPlan& plan) override;
  Status clear_discipline(const std::string& interface) override;

 private:
  Result<std::string> run(std::vector<std::string> words);
  std::string handle() const;  // of tc: marks a discipline as this agent's
  // Sets up a table of which set `what` holds the elements that expire, and keeps them up.
  Result<std::shared_ptr<void>> start_table(const std::string& fault, const std::string& set_type,
                                            const std::string& element, const std::string& chains);
  // True when it works in a network namespace that is thrown away.
  bool works_elsewhere(const std::vector<std::string>& words);
  ProcessRunner& processes();

  const FaultScope& scope_;
  std::mutex mutex_;
  std::unique_ptr<ProcessRunner> processes_;  // started when first needed
  std::map<std::string, bool> probed_;
};

}  // namespace panshi::agent
