// SPDX-License-Identifier: Apache-2.0
#include "core/model/channels.h"
#include "core/model/steps/step_kind.h"

namespace panshi {
namespace {

struct Notify final : StepAction {
  std::string channel;
  std::string message;
  bool page = false;

  std::string text() const override {
    return cat("notify ", channel, page ? " (page): " : ": ", message);
  }
  void check(const Place& place) const override {
    check_name(place, "channel", channel, &notify_channels(), place.at("channel"));
  }
  StepOrder order(const Inventory&) const override {
    return {.to = StepOrder::To::kNotifier,
            .params = {{"channel", channel}, {"message", message}, {"page", page}}};
  }
};

}  // namespace

StepKind notify_step() {
  return {.name = "notify",
          .summary = "Tell people, by one of the channels.",
          .read = [](Fields& in) -> std::shared_ptr<const StepAction> {
            auto step = std::make_shared<Notify>();
            in.need("channel", step->channel);
            in.need("message", step->message);
            in.may("page", step->page);
            return step;
          },
          .idempotent = false};
}

}  // namespace panshi
