// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/network/shaping.h"

#include "agents/faults/node_target.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

class Shaping final : public Fault {
 public:
  Shaping(const FaultRequest& request, std::vector<std::string> words, Host& host)
      : request_(request), words_(std::move(words)), host_(host) {}

  Result<nlohmann::json> resolve() override {
    if (auto ours = check_node(request_, host_); !ours) return tl::unexpected<Error>(ours.error());
    if (auto why = host_.network().why_no_discipline(words_.front()); !why.empty()) {
      return fail(ErrorCode::kRefused, std::move(why));
    }
    ASSIGN_OR_RETURN(const std::string foreign, host_.network().discipline(interface()));
    if (!foreign.empty()) {
      return fail(ErrorCode::kRefused,
                  cat("interface ", interface(), " has a root discipline (", foreign,
                      ") that somebody else has set; it is not touched"));
    }
    return nlohmann::json{{"interface", interface()}};
  }

  Status apply(const nlohmann::json&) override {
    return host_.network().set_discipline(interface(), words_);
  }
  Status revert(const nlohmann::json&) override {
    return host_.network().clear_discipline(interface());
  }
  nlohmann::json measure(const nlohmann::json&) const override {
    return {{"in_force", host_.network().is_ours(interface())}};
  }

 private:
  const std::string& interface() const { return request_.text("interface"); }

  const FaultRequest request_;
  const std::vector<std::string> words_;
  Host& host_;
};

std::string milliseconds(Duration duration) {
  return cat(number_text(static_cast<double>(duration.count()) / 1000), "ms");
}
std::string percent(const FaultRequest& request) {
  return number_text(request.percent("percent")) + "%";
}

}  // namespace

std::unique_ptr<Fault> make_rate(const FaultRequest& request, Host& host) {
  const std::string rate = cat(8 * request.size("rate"), "bit");
  return std::make_unique<Shaping>(
      request, std::vector<std::string>{"tbf", "rate", rate, "burst", "32kb", "latency", "400ms"},
      host);
}

std::unique_ptr<Fault> make_netem(const FaultRequest& request, Host& host) {
  std::vector<std::string> words = {"netem"};
  if (request.params.contains("delay")) {
    words.insert(words.end(), {"delay", milliseconds(request.duration("delay"))});
  }
  if (request.params.contains("jitter")) words.push_back(milliseconds(request.duration("jitter")));
  if (request.params.contains("what")) {
    words.insert(words.end(), {request.text("what"), percent(request)});
  }
  return std::make_unique<Shaping>(request, std::move(words), host);
}

std::string why_no_tbf(Host& host) { return host.network().why_no_discipline("tbf"); }
std::string why_no_netem(Host& host) { return host.network().why_no_discipline("netem"); }

}  // namespace panshi::agent
