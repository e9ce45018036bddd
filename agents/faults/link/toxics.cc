// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/link/toxics.h"

#include <algorithm>

#include "agents/faults/link/measure.h"
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
    if (toxic_.kind == Toxic::Kind::kDelay && toxic_.delay < toxic_.jitter) {
      return fail(ErrorCode::kInvalid, "params.jitter is more than params.delay");
    }
    if (auto fine = check(toxic_); !fine) return tl::unexpected<Error>(fine.error());
    std::vector<std::string> known;
    for (const LinkState& link : host_.links()->links()) {
      known.push_back(link.name);
      if (link.name != link_) continue;
      if (!toxic_.http || link.http) return nlohmann::json{{"link", link_}};
      return fail(ErrorCode::kRefused, cat("link `", link_, "` is not declared `protocol: http`"));
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
    if (toxic_.kind != Toxic::Kind::kDown && toxic_.kind != Toxic::Kind::kReset) {
      const auto report = links->toxic_report(link_, id_);
      return report ? measured_toxic(toxic_, *report) : nlohmann::json::object();
    }
    for (const LinkState& link : links->links()) {
      if (link.name == link_) return {{"connections", link.connections}, {"down", link.down}};
    }
    return nlohmann::json::object();
  }

 private:
  std::string id_;
  std::string link_;
  Toxic toxic_;
  Host& host_;
};

// What every toxic on streams has.
Toxic on_stream(Toxic::Kind kind, const FaultRequest& request) {
  Toxic toxic{.kind = kind};
  const std::string& way = request.text("direction");
  if (way == "upstream") toxic.direction = Toxic::Direction::kUpstream;
  if (way == "downstream") toxic.direction = Toxic::Direction::kDownstream;
  if (request.params.contains("share")) toxic.toxicity = request.percent("share") / 100;
  return toxic;
}

}  // namespace

std::unique_ptr<Fault> make_link_fault(const FaultRequest& request, const Toxic& toxic,
                                       Host& host) {
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::unique_ptr<Fault> make_link_bandwidth(const FaultRequest& request, Host& host) {
  Toxic toxic = on_stream(Toxic::Kind::kBandwidth, request);
  toxic.rate = request.size("rate");
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::unique_ptr<Fault> make_link_blackhole(const FaultRequest& request, Host& host) {
  Toxic toxic = on_stream(Toxic::Kind::kBlackHole, request);
  toxic.delay = request.duration("timeout");
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::unique_ptr<Fault> make_link_delay(const FaultRequest& request, Host& host) {
  Toxic toxic = on_stream(Toxic::Kind::kDelay, request);
  toxic.delay = request.duration("delay");
  toxic.jitter = request.duration("jitter");
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::unique_ptr<Fault> make_link_down(const FaultRequest& request, Host& host) {
  return std::make_unique<LinkFault>(request, Toxic{.kind = Toxic::Kind::kDown}, host);
}

std::unique_ptr<Fault> make_link_limit(const FaultRequest& request, Host& host) {
  Toxic toxic = on_stream(Toxic::Kind::kLimit, request);
  toxic.bytes = request.size("bytes");
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::unique_ptr<Fault> make_link_refuse(const FaultRequest& request, Host& host) {
  const Toxic toxic{.kind = Toxic::Kind::kRefuse, .toxicity = request.percent("share") / 100};
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::unique_ptr<Fault> make_link_reset(const FaultRequest& request, Host& host) {
  return std::make_unique<LinkFault>(request, Toxic{.kind = Toxic::Kind::kReset}, host);
}

std::unique_ptr<Fault> make_link_reset_peer(const FaultRequest& request, Host& host) {
  Toxic toxic = on_stream(Toxic::Kind::kResetPeer, request);
  toxic.delay = request.duration("delay");
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::unique_ptr<Fault> make_link_slicer(const FaultRequest& request, Host& host) {
  Toxic toxic = on_stream(Toxic::Kind::kSlicer, request);
  toxic.delay = request.duration("delay");
  toxic.bytes = request.size("size");
  toxic.variation = request.size("variation");
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::unique_ptr<Fault> make_link_slow_close(const FaultRequest& request, Host& host) {
  Toxic toxic = on_stream(Toxic::Kind::kSlowClose, request);
  toxic.delay = request.duration("delay");
  return std::make_unique<LinkFault>(request, toxic, host);
}

std::string why_no_link(Host& host) {
  if (host.links() == nullptr) return "no links are carried here";
  return host.links()->links().empty() ? "this node has no links" : "";
}

}  // namespace panshi::agent
