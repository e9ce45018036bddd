// SPDX-License-Identifier: Apache-2.0
#include "agents/host/nats_session.h"

#include "agents/faults/queue/message_mark.h"
#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

constexpr auto kTimeout = std::chrono::seconds(2);
constexpr std::size_t kAnswerMax = 16 << 20;  // bytes: a stream's subjects, a page of consumers

// The answer, or the error that it is.
Result<nlohmann::json> read_answer(const std::string& text) {
  auto answer = parse_json(text);
  if (!answer || !answer->is_object()) {
    return fail(ErrorCode::kRefused, cat("answered no object: ", struck_head(text, 200)));
  }
  if (!answer->contains("error")) return answer;
  const auto& error = answer->at("error");
  if (!error.is_object()) return fail(ErrorCode::kRefused, "answered with an error");
  return fail(error.value("code", 0) == 404 ? ErrorCode::kNotFound : ErrorCode::kRefused,
              error.value("description", std::string("answered with an error")));
}

class RealNatsSession final : public NatsSession {
 public:
  RealNatsSession(std::unique_ptr<NatsRequests> nats, std::string monitor)
      : nats_(std::move(nats)), monitor_(std::move(monitor)) {}

  Result<nlohmann::json> ask(const std::string& what, const nlohmann::json& body) override {
    ASSIGN_OR_RETURN(const std::string text,
                     nats_->request(cat("$JS.API.", what), body.is_null() ? "" : dump_json(body)));
    return read_answer(text);
  }

  Status store(const std::string& subject, const std::string& body,
               const std::string& fault) override {
    ASSIGN_OR_RETURN(const std::string text,
                     nats_->request(subject, body, {{kMessageMark, fault}}));
    if (auto stored = read_answer(text); !stored) return tl::unexpected(stored.error());
    return {};
  }

  Result<std::string> server_name() override {
    if (monitor_.empty()) return fail(ErrorCode::kRefused, "the service has no `nats.monitor`");
    HttpClient client;
    const auto reply =
        client.send({.method = "GET", .url = monitor_ + "/varz", .body = {}, .timeout = kTimeout});
    if (!reply) return fail(reply.error(), monitor_);
    const auto page = parse_json(reply->body);
    if (reply->status == 200 && page && page->is_object() && page->contains("server_name")) {
      return page->value("server_name", std::string());
    }
    return fail(ErrorCode::kRefused, cat(monitor_, " does not say the server's name"));
  }

 private:
  const std::unique_ptr<NatsRequests> nats_;
  const std::string monitor_;
};

}  // namespace

Result<std::unique_ptr<NatsSession>> make_nats_session(NatsRequests::Options options,
                                                       const std::string& monitor) {
  options.client_name = "panshi-agent";
  options.timeout = kTimeout;
  options.answer_max = kAnswerMax;
  ASSIGN_OR_RETURN(auto nats, NatsRequests::connect(options));
  return std::make_unique<RealNatsSession>(std::move(nats), monitor);
}

}  // namespace panshi::agent
