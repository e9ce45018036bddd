// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/coupons.h"

#include "core/json/fields.h"
#include "platform/storefront/base/serve.h"

namespace panshi::shop {

HttpResponse coupons_unavailable() {
  return refusal(
      503, "coupons_unavailable",
      "优惠券暂不可用,可按原价下单 / coupons are not available now; you can order at full "
      "price");
}

HttpResponse Coupons::not_available() {
  ++unavailable_;
  return coupons_unavailable();
}

tl::expected<std::int64_t, HttpResponse> Coupons::claim(const Order& order, MonoTime deadline,
                                                        const FindFate& fate) {
  for (const bool again : {false, true}) {
    const auto reply = ask(order, deadline);
    if (!reply || reply->status >= 500) return tl::unexpected(not_available());
    const auto body = parse_json(reply->body);
    if (!body || !body->is_object()) return tl::unexpected(not_available());
    const auto discount = body->find("discount_cents");
    if (reply->status == 200 && discount != body->end() && discount->is_number_integer()) {
      ++granted_;
      return discount->get<std::int64_t>();
    }
    const auto doubtful = body->find("doubtful");
    const bool in_doubt = !again && doubtful != body->end() && !doubtful->empty();
    if (in_doubt && settle(*doubtful, deadline, fate)) continue;
    const std::string code = body->value("code", "");
    const bool refused = code.starts_with("coupon_") || code == "other_body";
    if (!refused) return tl::unexpected(not_available());  // no coupons there, or a fault
    return tl::unexpected(refusal(reply->status, code, body->value("error", "")));
  }
  return tl::unexpected(not_available());
}

Result<HttpReply> Coupons::ask(const Order& order, MonoTime deadline) {
  return extras_.call({.method = "POST",
                       .path = "/coupons/claims",
                       .body = dump_json({{"coupon", order.coupon},
                                          {"order", order.order},
                                          {"user", order.user},
                                          {"price_cents", order.amount_cents}}),
                       .headers = {{"Idempotency-Key", order.order}},
                       .deadline = deadline});
}

// True when one of them has not used its coupon, and the extras know it now.
bool Coupons::settle(const nlohmann::json& doubtful, MonoTime deadline, const FindFate& fate) {
  nlohmann::json used = nlohmann::json::array(), free = nlohmann::json::array();
  for (const nlohmann::json& claim : doubtful) {
    if (!claim.is_object()) continue;
    const std::string order = claim.value("order", "");
    switch (fate(order, claim.value("user", ""))) {
      case Fate::kUsed:
        used.push_back(order);
        break;
      case Fate::kFree:
        free.push_back(order);
        break;
      case Fate::kOpen:
        break;
    }
  }
  if (used.empty() && free.empty()) return false;
  const bool some_free = !free.empty();
  const auto told = extras_.call({.method = "POST",
                                  .path = "/coupons/settled",
                                  .body = dump_json({{"used", used}, {"free", free}}),
                                  .deadline = deadline});
  return some_free && told && told->status == 200;
}

}  // namespace panshi::shop
