// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/link/toxics.h"

#include <algorithm>
#include <cmath>

#include "agents/faults/effect.h"
#include "agents/links/link_table.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

class LinkFault final : public Fault {
 public:
  LinkFault(const FaultRequest& request, const Toxic& toxic, Host& host)
      : id_(request.id), link_(request.target), toxic_(toxic), host_(host) {}

  Result<nlohmann::json> resolve() override {
    if (host_.links() == nullptr) {
      return fail(ErrorCode::kUnavailable, "no links are carried here");
    }
    if (toxic_.delay < toxic_.jitter) {
      return fail(ErrorCode::kInvalid, "params.jitter is more than params.delay");
    }
    std::vector<std::string> known;
    for (const LinkState& link : host_.links()->links()) known.push_back(link.name);
    if (std::find(known.begin(), known.end(), link_) != known.end()) {
      return nlohmann::json{{"link", link_}};
    }
    return fail(ErrorCode::kNotFound, cat("no link `", link_, "`", did_you_mean(link_, known),
                                          "; there are: ", join(known, ", ")));
  }

  Status apply(const nlohmann::json&) override {
    LinkTable* links = host_.links();
    if (links == nullptr) return fail(ErrorCode::kUnavailable, "no links are carried here");
    return links->add_toxic(link_, id_, toxic_);
  }

  Status revert(const nlohmann::json&) override {
    LinkTable* links = host_.links();
    return links == nullptr ? Status() : links->remove_toxic(link_, id_);
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    LinkTable* links = host_.links();
    if (links == nullptr) return nlohmann::json::object();
    if (toxic_.kind == Toxic::Kind::kDelay) return measure_delay(*links);
    for (const LinkState& link : links->links()) {
      if (link.name == link_) return {{"connections", link.connections}, {"down", link.down}};
    }
    return nlohmann::json::object();
  }

 private:
  nlohmann::json measure_delay(LinkTable& links) const {
    const auto account = links.toxic_report(link_, id_);
    if (!account) return nlohmann::json::object();
    nlohmann::json measured{{"chunks", account->chunks},
                            {"delay_mean_us", account->mean.count()},
                            {"delay_max_us", account->max.count()},
                            {"late_p99_us", account->late_p99.count()}};
    if (account->chunks > 0) {  // without traffic there is nothing to judge
      const auto ms = [](Duration of) { return static_cast<double>(of.count()) / 1000; };
      const double spread = ms(toxic_.jitter) / std::sqrt(static_cast<double>(account->chunks));
      add_effect(measured, {.what = "delay",
                            .unit = "ms",
                            .asked = ms(toxic_.delay),
                            .measured = ms(account->mean),
                            .tolerance = 1 + 3 * spread});
    }
    return measured;
  }

  std::string id_;
  std::string link_;
  Toxic toxic_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_link_delay(const FaultRequest& request, Host& host) {
  const std::string& way = request.params.at("direction");
  Toxic toxic{.kind = Toxic::Kind::kDelay,
              .delay = request.duration("delay"),
              .jitter = request.duration("jitter")};
  if (way == "upstream") toxic.direction = Toxic::Direction::kUpstream;
  if (way == "downstream") toxic.direction = Toxic::Direction::kDownstream;
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::unique_ptr<Fault> make_link_down(const FaultRequest& request, Host& host) {
  return std::make_unique<LinkFault>(request, Toxic{.kind = Toxic::Kind::kDown}, host);
}

std::unique_ptr<Fault> make_link_reset(const FaultRequest& request, Host& host) {
  return std::make_unique<LinkFault>(request, Toxic{.kind = Toxic::Kind::kReset}, host);
}

std::string why_no_link(Host& host) {
  if (host.links() == nullptr) return "no links are carried here";
  return host.links()->links().empty() ? "this node has no links" : "";
}

}  // namespace panshi::agent
