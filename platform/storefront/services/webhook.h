// SPDX-License-Identifier: Apache-2.0
// Webhook: what the payment provider tells the shop by itself, and the proof that it is the
// provider who says it.
//
// Signed is "TIME.BODY" with the secret that both know, TIME being when it was sent, so an old one
// cannot be sent again later and a body cannot be put under another signature. Each try is signed
// anew. Pure: `now` is given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "platform/storefront/model/order.h"

namespace panshi::shop {

inline constexpr const char* kWebhookPath = "/webhooks/psp";
inline constexpr const char* kWebhookTime = "x-psp-time-us";
inline constexpr const char* kWebhookSignature = "x-psp-signature";
inline constexpr const char* kChargeSucceeded = "charge.succeeded";
inline constexpr const char* kChargeDeclined = "charge.declined";

std::string sign_webhook(std::string_view secret, std::int64_t sent_us, std::string_view body);

struct SignedWebhook {
  std::string time;       // header, microseconds
  std::string signature;  // header
  std::string_view body;
};
// kRefused with the reason: forged, or not sent within `tolerance` of now.
Status check_webhook(const SignedWebhook& webhook, std::string_view secret, WallTime now,
                     Duration tolerance);

struct ChargeNews {
  std::string type;  // kChargeSucceeded or kChargeDeclined
  std::string charge;
  Order order;  // with `charge` and `paid_at_us`
};
// The order that a charge of the provider's is about, paid by it: {"charge","order","user",
// "amount_cents","created_us","details": the order}, more keys are nothing to it. kInvalid: it
// cannot be read, or the charge says otherwise than its order.
Result<Order> order_of_charge(const nlohmann::json& charge);
// kRefused: what the shop itself keeps of that order is of another user, product, number or amount.
Status check_with_hold(const Order& charged, const Order& held);

// kInvalid: it cannot be read, or says other things than the order that it is about.
Result<ChargeNews> read_webhook(std::string_view body);

struct WebhookTimes {
  Duration delay{};
  Duration jitter{};
  unsigned duplicate_percent = 0;
};
// When to send one, in microseconds: once or twice.
std::vector<std::int64_t> plan_webhook(const WebhookTimes& times, Random& random,
                                       std::int64_t now_us);
// How long to wait after try number `tries` (from 1) failed.
Duration webhook_pause(Duration first, std::int64_t tries);

}  // namespace panshi::shop
