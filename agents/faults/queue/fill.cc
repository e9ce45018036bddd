// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/queue/fill.h"

#include "agents/faults/effect.h"
#include "agents/faults/queue/admin.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr std::int64_t kMessageBytes = 64 << 10;
constexpr std::int64_t kOverheadBytes = 1 << 10;  // headers and what the server adds, at most

class QueueFill final : public Fault {
 public:
  QueueFill(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<json> resolve() override {
    if (auto named = check_name("stream", stream()); !named) return tl::unexpected(named.error());
    if (subject().find_first_of("*> \t\r\n") != std::string::npos) {
      return fail(ErrorCode::kInvalid, "params.subject must be one subject, without wildcards");
    }
    ASSIGN_OR_RETURN(const auto session, open_nats(host_, request_.target));
    ASSIGN_OR_RETURN(const json info, look(*session));
    if (auto room = check_stream(info); !room) return tl::unexpected(room.error());
    if (auto nobody = check_consumers(*session); !nobody) return tl::unexpected(nobody.error());
    return json{{"messages", request_.size("size") / kMessageBytes}};
  }

  Status apply(const json& resolved) override {
    ASSIGN_OR_RETURN(const auto session, open_nats(host_, request_.target));
    const std::string body(kMessageBytes, 'x');
    for (std::int64_t left = resolved.at("messages").get<std::int64_t>(); left > 0; --left) {
      if (auto stored = session->store(subject(), body, request_.id); !stored) return stored;
    }
    return {};
  }

  Status revert(const json&) override {
    ASSIGN_OR_RETURN(const auto session, open_nats(host_, request_.target));
    ASSIGN_OR_RETURN([[maybe_unused]] const auto purged,
                     session->ask(cat("STREAM.PURGE.", stream()), {{"filter", subject()}}));
    return {};
  }

  json measure(const json& resolved) const override {
    json measured = json::object();
    const auto session = open_nats(host_, request_.target);
    if (!session) return measured;
    const auto info = look(**session);
    if (!info) return measured;
    add_effect(measured, {.what = "filled",
                          .unit = "bytes",
                          .asked = bytes(resolved.at("messages").get<std::int64_t>()),
                          .measured = bytes(held(*info)),
                          .tolerance = 0});
    return measured;
  }

 private:
  const std::string& stream() const { return request_.text("stream"); }
  const std::string& subject() const { return request_.text("subject"); }
  static double bytes(std::int64_t messages) {
    return static_cast<double>(messages * kMessageBytes);
  }

  Result<json> look(NatsSession& session) const {
    return session.ask(cat("STREAM.INFO.", stream()), {{"subjects_filter", subject()}});
  }
  std::int64_t held(const json& info) const {
    const auto state = info.value("state", json::object());
    return state.value("subjects", json::object()).value(subject(), std::int64_t{0});
  }

  // kRefused: what is stored there would not stay, or could not be told from what was there.
  Status check_stream(const json& info) const {
    const json config = info.value("config", json::object());
    const json state = info.value("state", json::object());
    bool taken = false;
    for (const auto& pattern : config.value("subjects", json::array())) {
      taken = taken || subject_matches(pattern.get<std::string>(), subject());
    }
    if (!taken) return refuse(cat("takes no subject ", subject()));
    if (held(info) > 0) return refuse(cat("holds messages of ", subject(), " already"));
    if (config.value("retention", std::string("limits")) != "limits") {
      return refuse("keeps only what somebody is to take");
    }
    const std::int64_t count = request_.size("size") / kMessageBytes;
    const std::int64_t size = count * (kMessageBytes + kOverheadBytes);
    return check_bounds(config, state.value("bytes", std::int64_t{0}) + size,
                        state.value("messages", std::int64_t{0}) + count, count);
  }

  Status check_bounds(const json& config, std::int64_t size, std::int64_t messages,
                      std::int64_t of_subject) const {
    const auto over = [&](const char* name, std::int64_t wanted) {
      const std::int64_t bound = config.value(name, std::int64_t{-1});
      return bound > 0 && wanted > bound;
    };
    if (over("max_bytes", size) || over("max_msgs", messages) ||
        over("max_msgs_per_subject", of_subject) || over("max_msg_size", kMessageBytes)) {
      return refuse("has a bound that this would pass");
    }
    return {};
  }

  Status check_consumers(NatsSession& session) const {
    std::int64_t seen = 0;
    for (;;) {
      ASSIGN_OR_RETURN(const json page,
                       session.ask(cat("CONSUMER.LIST.", stream()), {{"offset", seen}}));
      const json consumers = page.value("consumers", json::array());
      if (!consumers.is_array()) return {};  // null: none
      for (const json& each : consumers) {
        const json config = each.value("config", json::object());
        const std::string filter = config.value("filter_subject", std::string(">"));
        if (subject_matches(filter.empty() ? ">" : filter, subject())) {
          return refuse(cat("has a consumer that takes ", subject(), ": ",
                            each.value("name", std::string())));
        }
      }
      seen += static_cast<std::int64_t>(consumers.size());
      if (consumers.empty() || seen >= page.value("total", std::int64_t{0})) return {};
    }
  }

  Status refuse(const std::string& why) const {
    return fail(ErrorCode::kRefused, cat("stream ", stream(), " ", why));
  }

  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_queue_fill(const FaultRequest& request, Host& host) {
  return std::make_unique<QueueFill>(request, host);
}

}  // namespace panshi::agent
