// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/network/packets.h"

#include <arpa/inet.h>

#include <array>
#include <cmath>

#include "agents/faults/effect.h"
#include "agents/faults/node_target.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr std::int64_t kSshPort = 22;

bool is_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> unused{};
  return ::inet_pton(AF_INET, text.c_str(), unused.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), unused.data()) == 1;
}

class Packets final : public Fault {
 public:
  Packets(const FaultRequest& request, PacketRules rules, Host& host)
      : request_(request), rules_(std::move(rules)), host_(host) {}

  Result<nlohmann::json> resolve() override {
    if (auto ours = check_node(request_, host_); !ours) return tl::unexpected<Error>(ours.error());
    if (!rules_.address.empty() && !is_address(rules_.address)) {
      return fail(ErrorCode::kInvalid,
                  cat("params.address: `", rules_.address, "` must be an IP address"));
    }
    if (rules_.port == kSshPort || (rules_.port != 0 && rules_.port == scope().port)) {
      return fail(ErrorCode::kRefused,
                  cat("port ", rules_.port, " is how this node is reached when all else fails"));
    }
    if (const std::string why = host_.network().why_no_rules(); !why.empty()) {
      return fail(ErrorCode::kRefused, why);
    }
    return nlohmann::json::object();
  }

  Status apply(const nlohmann::json&) override {
    ASSIGN_OR_RETURN(const auto held, host_.network().start_rules(request_.id, rules_));
    host_.holdings().keep(request_.id, held);
    return {};
  }

  Status revert(const nlohmann::json&) override {
    host_.holdings().let_go(request_.id);
    return host_.network().end_rules(request_.id);
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto seen = host_.network().caught(request_.id);
    if (!seen) return nlohmann::json::object();
    nlohmann::json measured = {{"packets", seen->caught}};
    if (rules_.percent >= 100 || seen->met == 0) return measured;
    const double share = rules_.percent / 100;
    const auto met = static_cast<double>(seen->met);
    add_effect(measured, {.what = "loss",
                          .unit = "%",
                          .asked = rules_.percent,
                          .measured = 100 * static_cast<double>(seen->caught) / met,
                          // Four deviations of a share of so many, and one packet.
                          .tolerance = 400 * std::sqrt(share * (1 - share) / met) + 100 / met});
    return measured;
  }

 private:
  const FaultScope& scope() { return host_.machine().scope(); }

  const FaultRequest request_;
  const PacketRules rules_;
  Host& host_;
};

std::unique_ptr<Fault> make_port(const FaultRequest& request, bool reset, Host& host) {
  PacketRules rules{.address = request.text("address"),
                    .port = static_cast<std::uint16_t>(request.integer("port")),
                    .protocol = reset ? "tcp" : request.text("protocol"),
                    .reset = reset};
  return std::make_unique<Packets>(request, std::move(rules), host);
}

}  // namespace

std::unique_ptr<Fault> make_partition(const FaultRequest& request, Host& host) {
  const std::string& direction = request.text("direction");
  PacketRules rules{.address = request.text("address"),
                    .incoming = direction != "out",
                    .outgoing = direction != "in"};
  return std::make_unique<Packets>(request, std::move(rules), host);
}
std::unique_ptr<Fault> make_loss(const FaultRequest& request, Host& host) {
  const std::string& direction = request.text("direction");
  PacketRules rules{.address = request.text("address"),
                    .incoming = direction != "out",
                    .outgoing = direction != "in",
                    .percent = request.percent("percent")};
  return std::make_unique<Packets>(request, std::move(rules), host);
}
std::unique_ptr<Fault> make_port_drop(const FaultRequest& request, Host& host) {
  return make_port(request, false, host);
}
std::unique_ptr<Fault> make_port_reject(const FaultRequest& request, Host& host) {
  return make_port(request, true, host);
}

std::string why_no_packet_rules(Host& host) { return host.network().why_no_rules(); }

}  // namespace panshi::agent
