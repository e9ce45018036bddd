// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "core/model/steps/step_kind.h"

namespace panshi {
namespace {

const std::array<std::string, 2> kMarks = {"ok", "degraded"};

struct Mark final : StepAction {
  std::string service;
  std::string as;

  std::string target() const override { return cat("service ", service); }
  std::string text() const override { return cat("mark ", service, " ", as); }
  void check(const Place& place) const override {
    check_service(place, service, place.at("service"));
  }
  StepOrder order(const Inventory& inventory) const override {
    return {.node = inventory.node_of_service(service).value_or(""),
            .kind = "mark",
            .params = {{"service", service}, {"as", as}}};
  }
};

}  // namespace

StepKind mark_step() {
  return {.name = "mark",
          .summary = "Note that the service is `degraded`, or `ok` again; nothing else is done.",
          .read = [](Fields& in) -> std::shared_ptr<const StepAction> {
            auto step = std::make_shared<Mark>();
            in.need("service", step->service);
            in.need_word("as", step->as, kMarks);
            return step;
          },
          .idempotent = true};
}

}  // namespace panshi
