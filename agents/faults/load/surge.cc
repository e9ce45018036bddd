// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/load/surge.h"

#include "agents/faults/effect.h"
#include "agents/faults/upkeep.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

class LoadSurge final : public Fault {
 public:
  LoadSurge(const FaultRequest& request, Host& host)
      : id_(request.id),
        service_(request.target),
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
    // One that tells who has a surge made ends it by itself when nobody prolongs it.
    return nlohmann::json{{"rate", status->at("rate")}, {"leased", status->contains("surge")}};
  }

  Status apply(const nlohmann::json& resolved) override {
    const double rate = resolved.at("rate").get<double>() * factor_;
    if (!is_leased(resolved)) return tell("/rate", {{"rate", rate}});
    const Duration lease = Upkeep::lease_of(resolved);
    const nlohmann::json body = {
        {"by", id_},
        {"rate", rate},
        {"lease_ms",
         std::chrono::duration_cast<std::chrono::milliseconds>(Upkeep::step(lease)).count()}};
    if (auto begun = tell("/surge", body); !begun) return begun;
    host_.holdings().keep(
        id_, std::make_shared<Upkeep>(Upkeep::every(lease), [service = service_, body, &h = host_] {
          (void)h.control_load(service, "/surge", body);
        }));
    return {};
  }

  Status revert(const nlohmann::json& resolved) override {
    host_.holdings().let_go(id_);  // first: it would prolong it
    auto done = is_leased(resolved) ? tell("/surge/end", {{"by", id_}})
                                    : tell("/rate", {{"rate", resolved.at("rate")}});
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
  static bool is_leased(const nlohmann::json& resolved) { return resolved.value("leased", false); }

  Status tell(const std::string& path, const nlohmann::json& body) const {
    const auto answer = host_.control_load(service_, path, body);
    if (!answer) return tl::unexpected(answer.error());
    return {};
  }

  const std::string id_;
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
