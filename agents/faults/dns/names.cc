// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/dns/names.h"

#include <arpa/inet.h>

#include <array>

#include "agents/faults/node_target.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

bool is_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> unused{};
  return ::inet_pton(AF_INET, text.c_str(), unused.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), unused.data()) == 1;
}

// `how`: a word of the helper's, or the address that it is to answer with.
class Names final : public Fault {
 public:
  Names(const FaultRequest& request, std::string how, Host& host)
      : request_(request), how_(std::move(how)), host_(host) {}

  Result<nlohmann::json> resolve() override {
    if (auto ours = check_node(request_, host_); !ours) return tl::unexpected<Error>(ours.error());
    if (const std::string why = why_no_redirect(host_); !why.empty()) {
      return fail(ErrorCode::kRefused, why);
    }
    if (request_.params.contains("address") && !is_address(how_)) {
      return fail(ErrorCode::kInvalid, cat("params.address: `", how_, "` must be an IP address"));
    }
    std::string upstream = request_.text("upstream");
    if (upstream.empty()) {
      ASSIGN_OR_RETURN(upstream, host_.network().name_server());
    }
    if (!is_address(upstream)) {
      return fail(ErrorCode::kInvalid,
                  cat("params.upstream: `", upstream, "` must be an IP address"));
    }
    ASSIGN_OR_RETURN(const std::uint16_t port, host_.network().free_port());
    return nlohmann::json{{"upstream", upstream}, {"port", port}};
  }

  // The resolver first: a query that is redirected finds it.
  Status apply(const nlohmann::json& resolved) override {
    const std::string upstream = resolved.at("upstream");
    const auto port = resolved.at("port").get<std::uint16_t>();
    const std::vector<std::string> words = {
        "dns", std::to_string(port),   upstream,
        how_,  request_.text("names"), std::to_string(Network::kOwnMark)};
    ASSIGN_OR_RETURN(const auto helper, host_.machine().start_helper(request_.id, words));
    auto held = std::make_shared<Held>();
    held->helper = helper;
    ASSIGN_OR_RETURN(held->rules, host_.network().start_redirect(request_.id, upstream, port));
    host_.holdings().keep(request_.id, held);
    return {};
  }

  // The rules first, for the same reason.
  Status revert(const nlohmann::json&) override {
    if (const auto held = host_.holdings().get<Held>(request_.id)) held->rules.reset();
    if (auto ended = host_.network().end_rules(request_.id); !ended) return ended;
    host_.holdings().let_go(request_.id);
    return host_.machine().end_helpers(request_.id);
  }

  nlohmann::json measure(const nlohmann::json&) const override {
    const auto caught = host_.network().caught(request_.id);
    return caught ? nlohmann::json{{"queries", caught->caught}} : nlohmann::json::object();
  }

 private:
  struct Held {
    std::shared_ptr<Helper> helper;
    std::shared_ptr<void> rules;
  };

  const FaultRequest request_;
  const std::string how_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_dns_answer(const FaultRequest& request, Host& host) {
  return std::make_unique<Names>(request, request.text("address"), host);
}
std::unique_ptr<Fault> make_dns_failure(const FaultRequest& request, Host& host) {
  return std::make_unique<Names>(request, request.text("how"), host);
}

std::string why_no_redirect(Host& host) { return host.network().why_no_redirect(); }

}  // namespace panshi::agent
