// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/order.h"

#include "core/base/ids.h"
#include "core/base/text.h"
#include "platform/storefront/model/coupon.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kAmountMax = 100'000'000;
constexpr std::size_t kProductIdMax = 32;

void need_id(Fields& in, const char* key, std::string& out) {
  in.need(key, out);
  if (!out.empty() && (!is_id(out) || out.size() > 64)) {
    in.problem(key, "must be 1-64 characters of [A-Za-z0-9_.-], not starting with a dot");
  }
}

}  // namespace

std::string order_id_of(std::string_view user, std::string_view idempotency_key,
                        std::string_view product) {
  return cat("o-", hex16(fnv1a(cat(user, "\n", idempotency_key))), "-", product);
}

std::string_view product_of(std::string_view order_id) {
  constexpr std::size_t kHead = 2 + 16 + 1;
  if (order_id.size() <= kHead || !order_id.starts_with("o-") || order_id[kHead - 1] != '-') {
    return {};
  }
  const bool is_hash =
      order_id.substr(2, 16).find_first_not_of("0123456789abcdef") == std::string_view::npos;
  const std::string_view product = order_id.substr(kHead);
  return is_hash && is_product_id(product) ? product : std::string_view();
}

bool is_product_id(std::string_view text) {
  return !text.empty() && text.size() <= kProductIdMax &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::string body_hash_of(std::string_view user, std::string_view product, std::int64_t quantity,
                         std::string_view coupon) {
  const std::string body = cat(user, "\n", product, "\n", quantity);
  return hex16(fnv1a(coupon.empty() ? body : cat(body, "\n", coupon)));
}

nlohmann::json to_json(const Order& order) {
  nlohmann::json json = {{"order", order.order},
                         {"user", order.user},
                         {"product", order.product},
                         {"quantity", order.quantity},
                         {"amount_cents", order.amount_cents},
                         {"idempotency_key", order.idempotency_key},
                         {"body_hash", order.body_hash},
                         {"placed_at_us", order.placed_at_us},
                         {"paid_at_us", order.paid_at_us},
                         {"charge", order.charge}};
  if (!order.coupon.empty()) {
    json["coupon"] = order.coupon;
    json["discount_cents"] = order.discount_cents;
  }
  return json;
}

Result<Order> order_from_json(const nlohmann::json& json) {
  Problems problems;
  Order order;
  Fields in(json, "", problems);
  need_id(in, "order", order.order);
  need_id(in, "user", order.user);
  need_id(in, "product", order.product);
  in.need("quantity", order.quantity, {1, 1});
  in.need("amount_cents", order.amount_cents, {0, kAmountMax});
  in.need("idempotency_key", order.idempotency_key);
  in.need("body_hash", order.body_hash);
  in.need("placed_at_us", order.placed_at_us, {0, std::numeric_limits<std::int64_t>::max()});
  in.may("paid_at_us", order.paid_at_us, {0, std::numeric_limits<std::int64_t>::max()});
  in.may("charge", order.charge);
  in.may("coupon", order.coupon);
  in.may("discount_cents", order.discount_cents, {0, kAmountMax});
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return order;
}

Result<PlaceRequest> read_place_request(std::string_view body) {
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body, 4'096));
  Problems problems;
  PlaceRequest request;
  Fields in(json, "", problems);
  need_id(in, "user", request.user);
  need_id(in, "product", request.product);
  in.may("quantity", request.quantity, {1, 1});
  in.may("coupon", request.coupon);
  if (!request.coupon.empty() && !is_coupon_code(request.coupon)) {
    in.problem("coupon", "must be 3-32 characters of [A-Z0-9-]");
  }
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return request;
}

Result<PayRequest> read_pay_request(std::string_view body) {
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body, 4'096));
  Problems problems;
  PayRequest request;
  Fields in(json, "", problems);
  need_id(in, "user", request.user);
  in.need("amount_cents", request.amount_cents, {0, kAmountMax});
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return request;
}

Status check_idempotency_key(std::string_view key) {
  if (is_id(key)) return {};
  return fail(ErrorCode::kInvalid,
              "header Idempotency-Key must be 1-128 characters of [A-Za-z0-9_.-]");
}

std::string message_for(std::string_view state) {
  if (state == "placed") return "待支付 / Waiting for your payment";
  if (state == "paid") return "支付成功,卡密生成中 / Paid; your card key is on its way";
  if (state == "delivered") return "已发货 / Delivered";
  return "订单已过期 / The order has expired";
}

}  // namespace panshi::shop
