// SPDX-License-Identifier: Apache-2.0
// notifier: tells customers by mail what became of their order. The mail goes out after its event
// is safe in the inbox, in the inbox's order; a crash between sending and noting it sends once
// more, with the same id. The outgoing mails are lines of a file: what would be handed to a mail
// server.
#include <atomic>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/base/log_file.h"
#include "platform/storefront/services/follower.h"
#include "platform/storefront/services/services.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kMailsAtOnce = 200;

std::string text_for(const std::string& subject) {
  if (subject == kOrderPlaced) return std::string(message_for("placed"));
  if (subject == kPaymentSucceeded) return std::string(message_for("paid"));
  return std::string(message_for("delivered"));
}

class Notifier {
 public:
  Notifier(const FollowerConfig& config, Inbox inbox, LogFile mails)
      : follower_("notifier", config, std::move(inbox)),
        mails_(std::move(mails)),
        send_(milliseconds(500), [this] { send(); }) {}

  Health health() const {
    if (!sending_) return {false, "mails"};
    return follower_.health();
  }
  nlohmann::json status() {
    nlohmann::json status = follower_.status();
    status["sent"] = sent_.load();
    return status;
  }
  HttpResponse list(const HttpRequest& request) { return follower_.list(request); }

 private:
  void send() {
    const Status done = send_all();
    if (!done && sending_) log_error(cat("mails: ", done.error().message));
    sending_ = done.has_value();
  }

  Status send_all() {
    ASSIGN_OR_RETURN(std::int64_t until, follower_.inbox().done_until());
    while (true) {
      ASSIGN_OR_RETURN(const auto rows, follower_.inbox().read(until, kMailsAtOnce));
      if (rows.empty()) return {};
      for (const InboxRow& row : rows) {
        mails_.append(dump_json({{"id", cat(row.subject, ":", row.order)},
                                 {"to", row.user},
                                 {"order", row.order},
                                 {"text", text_for(row.subject)}}));
        until = row.seq;
      }
      if (auto flushed = mails_.flush(); !flushed) return flushed;
      if (auto noted = follower_.inbox().set_done_until(until); !noted) return noted;
      sent_ += static_cast<std::int64_t>(rows.size());
    }
  }

  Follower follower_;
  LogFile mails_;  // thread of `send_` only
  std::atomic<bool> sending_{true};
  std::atomic<std::int64_t> sent_{0};
  Background send_;  // last: uses the members above
};

}  // namespace

int run_notifier(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<FollowerConfig>(context, read_notifier_config);
  if (!read.config) return read.exit_status;
  auto inbox = Inbox::open(read.config->inbox);
  auto mails = LogFile::open(read.config->mails);
  if (!inbox || !mails) {
    log_error(cat("notifier: ", inbox ? mails.error().message : inbox.error().message));
    return kExitFailed;
  }
  Notifier notifier(*read.config, *std::move(inbox), *std::move(mails));
  HttpServer server(server_options(read.config->listen));
  server.route("GET", "/rows", [&](const HttpRequest& request) { return notifier.list(request); });
  return serve_until_stopped(
      context.role, server, [&] { return notifier.health(); }, [&] { return notifier.status(); });
}

}  // namespace panshi::shop
