// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/resource/descriptors.h"

#include <algorithm>

#include "agents/faults/effect.h"
#include "agents/faults/file/kept_file.h"
#include "agents/faults/node_target.h"
#include "agents/faults/process/target_processes.h"

namespace panshi::agent {
namespace {

class Descriptors final : public Fault {
 public:
  Descriptors(const FaultRequest& request, Host& host)
      : request_(request), host_(host), kept_(kept_folder(host), request.id) {}

  Result<nlohmann::json> resolve() override {
    ASSIGN_OR_RETURN(const TargetProcesses found, find_processes(request_.target, host_));
    nlohmann::json resolved = to_json(found);
    resolved["limits"] = nlohmann::json::array();
    for (const ProcessName& each : found.all) {
      const auto limit = host_.machine().descriptor_limit(each);
      resolved["limits"].push_back(
          {{"soft", limit ? limit->soft : 0}, {"hard", limit ? limit->hard : 0}});
    }
    return resolved;
  }

  Status apply(const nlohmann::json& resolved) override {
    // A process does not tell which limit it had.
    if (auto noted = kept_.note(request_, resolved); !noted) return noted;
    const auto left = static_cast<std::uint64_t>(request_.integer("left"));
    for (const ProcessName& each : processes_from(resolved).all) {
      const auto now = host_.machine().descriptor_limit(each);
      if (!now) continue;
      // Never more than before: a fault takes, and what leaves more is not this one.
      const std::uint64_t soft = std::min(now->soft_for(left), now->soft);
      auto set = host_.machine().set_descriptor_limit(each, soft, now->hard);
      if (!set && set.error().code != ErrorCode::kNotFound) return set;
    }
    return {};
  }

  // Those that were forked meanwhile have inherited the lower limit: they get the leader's.
  Status revert(const nlohmann::json& resolved) override {
    const TargetProcesses processes = processes_from(resolved);
    const auto& limits = resolved.at("limits");
    for (const ProcessName& each : present(processes, host_)) {
      const auto known = std::find(processes.all.begin(), processes.all.end(), each);
      const auto index = known == processes.all.end()
                             ? std::size_t{0}
                             : static_cast<std::size_t>(known - processes.all.begin());
      const std::uint64_t soft = limits.at(index).at("soft");
      const std::uint64_t hard = limits.at(index).at("hard");
      if (hard == 0) continue;  // it was ending when it was looked at
      const auto now = host_.machine().descriptor_limit(each);
      if (now && now->soft >= soft) continue;  // somebody has raised it since
      auto set = host_.machine().set_descriptor_limit(each, soft, hard);
      if (!set && set.error().code != ErrorCode::kNotFound) return set;
    }
    return kept_.mark_mended();
  }

  void forget() const override {
    if (kept_.is_mended()) (void)kept_.remove();  // else the next start does it
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    nlohmann::json json = nlohmann::json::object();
    const auto limit = host_.machine().descriptor_limit(processes_from(resolved).leader);
    if (!limit) return json;
    constexpr double kTolerance = 2;  // it opens and closes meanwhile
    add_effect(json, {.what = "descriptors left",
                      .unit = "",
                      .asked = static_cast<double>(request_.integer("left")),
                      .measured = static_cast<double>(limit->room()),
                      .tolerance = kTolerance});
    return json;
  }

 private:
  const FaultRequest request_;
  Host& host_;
  const KeptFile kept_;
};

}  // namespace

std::unique_ptr<Fault> make_descriptors(const FaultRequest& request, Host& host) {
  return std::make_unique<Descriptors>(request, host);
}

}  // namespace panshi::agent
