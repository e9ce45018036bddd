// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "core/model/steps/step_kind.h"

namespace panshi {
namespace {

const std::array<std::string, 2> kEstablished = {"drain", "reset"};

struct Reroute final : StepAction {
  std::string node;
  std::string link;
  std::string to;                     // an upstream's name
  std::string established = "drain";  // what becomes of connections that are open

  std::string target() const override { return cat("link ", node, "/", link); }
  std::string text() const override {
    return cat("reroute ", node, "/", link, " to ", to, ", established connections: ", established);
  }
  void check(const Place& place) const override {
    const auto* upstreams = check_link(place, node, link);
    check_name(place, cat("upstream of ", link), to, upstreams, place.at("to"));
  }
  StepOrder order(const Inventory&) const override {
    return {.node = node,
            .kind = "reroute",
            .params = {{"link", link}, {"to", to}, {"established", established}}};
  }
};

}  // namespace

StepKind reroute_step() {
  return {.name = "reroute",
          .summary = "Send the link's connections to another upstream.",
          .read = [](Fields& in) -> std::shared_ptr<const StepAction> {
            auto step = std::make_shared<Reroute>();
            in.need("node", step->node);
            in.need("link", step->link);
            in.need("to", step->to);
            in.may_word("established", step->established, kEstablished);
            return step;
          },
          .idempotent = true,
          .routes = true};
}

}  // namespace panshi
