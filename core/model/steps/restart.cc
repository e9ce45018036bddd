// SPDX-License-Identifier: Apache-2.0
#include "core/model/steps/step_kind.h"

namespace panshi {
namespace {

struct Restart final : StepAction {
  std::string service;

  std::string target() const override { return cat("service ", service); }
  std::string text() const override { return cat("restart ", service); }
  void check(const Place& place) const override {
    check_service(place, service, place.at("service"));
  }
  StepOrder order(const Inventory& inventory) const override {
    return {.node = inventory.node_of_service(service).value_or(""),
            .kind = "restart",
            .params = {{"service", service}}};
  }
};

}  // namespace

StepKind restart_step() {
  return {.name = "restart",
          .summary = "Stop the service and start it again.",
          .read = [](Fields& in) -> std::shared_ptr<const StepAction> {
            auto step = std::make_shared<Restart>();
            in.need("service", step->service);
            return step;
          },
          .idempotent = true,
          .routes = true};
}

}  // namespace panshi
