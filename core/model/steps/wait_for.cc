// SPDX-License-Identifier: Apache-2.0
#include "core/model/steps/step_kind.h"

namespace panshi {
namespace {

struct WaitFor final : StepAction {
  Comparison condition;

  std::string text() const override { return cat("wait for ", condition.text()); }
  void check(const Place& place) const override { check_comparison(place, condition); }
  const Comparison* waits_for() const override { return &condition; }
};

}  // namespace

StepKind wait_for_step() {
  return {.name = "wait_for",
          .summary = "Wait until the signal is as it should be.",
          .read = [](Fields& in) -> std::shared_ptr<const StepAction> {
            auto step = std::make_shared<WaitFor>();
            read_comparison(in, step->condition);
            return step;
          },
          .idempotent = true};
}

}  // namespace panshi
