// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/webhook_sender.h"

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/webhook.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kPage = 64;
constexpr std::int64_t kTriesMax = 60;

std::int64_t now_us() { return to_us(SystemClock().wall()); }

}  // namespace

Status add_webhook(Database& ledger, const std::string& body, std::int64_t due_us) {
  return ledger.run("INSERT INTO webhooks (body, due_us) VALUES (?, ?)", {body, due_us});
}

WebhookSender::WebhookSender(const WebhooksConfig& config, Database outbox)
    : config_(config),
      outbox_(std::move(outbox)),
      shop_({.name = "shop",
             .base = cat("http://", config.to.host, ":", config.to.port),
             .timeout = config.timeout,
             // The pause of each row is enough: a breaker would only make it longer.
             .breaker = {.failures_max = std::numeric_limits<int>::max()}}),
      send_(milliseconds(50), [this] { send_due(); }) {}

void WebhookSender::send_due() {
  if (const Status done = send_page(); !done) log_warn(cat("webhooks: ", done.error().message));
}

// One page at most, and no further than the first that got no answer: the stop must not wait long.
Status WebhookSender::send_page() {
  std::vector<Row> due;
  Status read = outbox_.query(
      "SELECT id, body, tries FROM webhooks WHERE due_us <= ? ORDER BY due_us, id LIMIT ?",
      {now_us(), kPage}, [&](const SqlRow& row) {
        due.push_back({row.integer(0), row.text(1), row.integer(2)});
      });
  if (read) {
    read = outbox_.query("SELECT count(*) FROM webhooks", {},
                         [&](const SqlRow& row) { waiting_ = row.integer(0); });
  }
  if (!read || due.empty()) return read;
  std::vector<std::int64_t> done;
  const Row* failed = nullptr;
  for (const Row& row : due) {
    if (!send(row)) {
      failed = &row;
      break;
    }
    done.push_back(row.id);
  }
  return outbox_.transaction([&]() -> Status {
    for (const std::int64_t id : done) {
      if (auto gone = outbox_.run("DELETE FROM webhooks WHERE id = ?", {id}); !gone) return gone;
    }
    return failed ? postpone(*failed) : Status();
  });
}

bool WebhookSender::send(const Row& row) {
  const std::int64_t sent_us = now_us();
  const auto reply = shop_.call(
      {.method = "POST",
       .path = kWebhookPath,
       .body = row.body,
       .headers = {{kWebhookTime, std::to_string(sent_us)},
                   {kWebhookSignature, sign_webhook(config_.secret, sent_us, row.body)}}});
  const bool taken = reply && reply->status >= 200 && reply->status < 300;
  ++(taken ? sent_ : refused_);
  return taken;
}

Status WebhookSender::postpone(const Row& row) {
  const std::int64_t tries = row.tries + 1;
  if (tries >= kTriesMax) {
    ++given_up_;
    log_error(cat("webhook given up after ", tries, " tries: ", row.body));
    return outbox_.run("DELETE FROM webhooks WHERE id = ?", {row.id});
  }
  const auto pause =
      std::chrono::duration_cast<std::chrono::microseconds>(webhook_pause(config_.retry, tries));
  return outbox_.run("UPDATE webhooks SET due_us = ?, tries = ? WHERE id = ?",
                     {now_us() + pause.count(), tries, row.id});
}

void WebhookSender::add_to(nlohmann::json& status) const {
  status["webhooks_sent"] = sent_.load();
  status["webhooks_refused"] = refused_.load();
  status["webhooks_given_up"] = given_up_.load();
  status["webhooks_waiting"] = waiting_.load();
}

}  // namespace panshi::shop
