// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/load/surge.h"

#include "agents/faults/effect.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

class LoadSurge final : public Fault {
 public:
  LoadSurge(const FaultRequest& request, Host& host)
      : service_(request.target),
        factor_(static_cast<double>(request.integer("factor"))),
        host_(host) {}

  Result<nlohmann::json> resolve() override {
    auto status = host_.control_load(service_, "/status", nullptr);
    if (!status && status.error().code == ErrorCode::kNotFound) {
      return fail(ErrorCode::kInvalid, status.error().message);
    }
    if (!status) return tl::unexpected(status.error());
    if (!status->contains("rate") || !status->at("rate").is_number()) {
      return fail(ErrorCode::kRefused, cat(service_, " does not tell its `rate`"));
    }
    if (status->value("plan_step", 0) != 0) {
      return fail(ErrorCode::kRefused,
                  cat(service_, " is in the middle of a plan, which could not be put back"));
    }
    return nlohmann::json{{"rate", status->at("rate")}};
  }

  Status apply(const nlohmann::json& resolved) override {
    return set_rate(resolved.at("rate").get<double>() * factor_);
  }

  Status revert(const nlohmann::json& resolved) override {
    auto done = set_rate(resolved.at("rate").get<double>());
    if (!done && done.error().code == ErrorCode::kUnavailable) return {};  // nobody is there
    return done;
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    const auto status = host_.control_load(service_, "/status", nullptr);
    if (!status) return nlohmann::json::object();
    nlohmann::json measured = {{"arrivals_per_second", status->value("arrivals_per_second", 0.0)}};
    const double asked = resolved.at("rate").get<double>() * factor_;
    add_effect(measured, {.what = "rate",
                          .unit = "/s",
                          .asked = asked,
                          .measured = status->value("rate", 0.0),
                          .tolerance = asked / 100});
    return measured;
  }

 private:
  Status set_rate(double rate) const {
    const auto answer = host_.control_load(service_, "/rate", {{"rate", rate}});
    if (!answer) return tl::unexpected(answer.error());
    return {};
  }

  const std::string service_;
  const double factor_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_load_surge(const FaultRequest& request, Host& host) {
  return std::make_unique<LoadSurge>(request, host);
}

std::string why_no_load(Host& host) {
  return !host.load_services().empty() ? "" : "no service of this node has an entry `load`";
}

}  // namespace panshi::agent
