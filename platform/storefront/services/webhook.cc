// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/webhook.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"
#include "core/io/mac.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kBodyMax = 32'768;
constexpr Duration kPauseMax = std::chrono::minutes(5);

std::string signed_text(std::string_view time, std::string_view body) {
  return cat(time, ".", body);
}
std::int64_t us_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

std::string sign_webhook(std::string_view secret, std::int64_t sent_us, std::string_view body) {
  return mac_of(secret, signed_text(std::to_string(sent_us), body));
}

Status check_webhook(const SignedWebhook& webhook, std::string_view secret, WallTime now,
                     Duration tolerance) {
  if (secret.empty() ||
      !is_mac_of(webhook.signature, secret, signed_text(webhook.time, webhook.body))) {
    return fail(ErrorCode::kRefused, "forged: the signature is not the provider's");
  }
  std::int64_t sent_us = 0;
  const char* last = webhook.time.data() + webhook.time.size();
  const auto [end, error] = std::from_chars(webhook.time.data(), last, sent_us);
  const std::int64_t now_us = to_us(now);
  const std::int64_t within = us_of(tolerance);
  if (error != std::errc() || end != last || sent_us < now_us - within ||
      sent_us > now_us + within) {
    return fail(ErrorCode::kRefused, "stale: it was not sent just now");
  }
  return {};
}

Result<Order> order_of_charge(const nlohmann::json& charge) {
  Problems problems;
  std::string name;
  std::string id;
  std::string user;
  std::int64_t amount_cents = 0;
  std::int64_t created_us = 0;
  Fields in(charge, "", problems);
  in.may("charge", name);
  in.need("order", id);
  in.need("user", user);
  in.need("amount_cents", amount_cents);
  in.need("created_us", created_us);
  const nlohmann::json* details = in.need_value("details");
  if (!problems.empty()) return tl::unexpected(problems.error());
  ASSIGN_OR_RETURN(Order order, order_from_json(*details));
  if (order.order != id || order.user != user || order.amount_cents != amount_cents) {
    return fail(ErrorCode::kInvalid, "the charge and its order do not agree");
  }
  order.charge = name;
  order.paid_at_us = created_us;
  return order;
}

Status check_with_hold(const Order& charged, const Order& held) {
  const bool same = charged.user == held.user && charged.product == held.product &&
                    charged.quantity == held.quantity && charged.amount_cents == held.amount_cents;
  if (same) return {};
  return fail(ErrorCode::kRefused,
              cat("charged: ", charged.amount_cents, " cents of ", charged.user, " for ",
                  charged.quantity, " of ", charged.product, "; ordered: ", held.amount_cents,
                  " of ", held.user, " for ", held.quantity, " of ", held.product));
}

Result<ChargeNews> read_webhook(std::string_view body) {
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body, kBodyMax));
  Problems problems;
  ChargeNews news;
  std::string event;
  std::string key;
  Fields in(json, "", problems);
  in.need("event", event);
  in.need("type", news.type);
  in.may("charge", news.charge);
  in.need("key", key);
  for (const char* read : {"order", "user", "amount_cents", "created_us", "details"}) {
    in.need_value(read);
  }
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  if (news.type != kChargeSucceeded && news.type != kChargeDeclined) {
    return fail(ErrorCode::kInvalid, cat("no type of webhook that we know: `", news.type, "`"));
  }
  ASSIGN_OR_RETURN(news.order, order_of_charge(json));
  if (news.type == kChargeSucceeded && news.charge.empty()) {
    return fail(ErrorCode::kInvalid, "a charge without its name");
  }
  return news;
}

std::vector<std::int64_t> plan_webhook(const WebhookTimes& times, Random& random,
                                       std::int64_t now_us) {
  const auto one = [&] {
    const auto spread = static_cast<std::uint64_t>(us_of(times.jitter)) + 1;
    return now_us + us_of(times.delay) + static_cast<std::int64_t>(random.below(spread));
  };
  std::vector<std::int64_t> due = {one()};
  if (random.chance(times.duplicate_percent)) due.push_back(one());
  return due;
}

Duration webhook_pause(Duration first, std::int64_t tries) {
  Duration pause = first;
  for (std::int64_t i = 1; i < tries && pause < kPauseMax; ++i) pause *= 2;
  return std::min(pause, kPauseMax);
}

}  // namespace panshi::shop
