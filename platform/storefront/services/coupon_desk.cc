// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/coupon_desk.h"

#include "core/base/ids.h"
#include "core/json/fields.h"
#include "platform/storefront/base/serve.h"

namespace panshi::shop {
namespace {

using Outcome = CouponBook::Outcome;

constexpr std::int64_t kPriceMax = 100'000'000;
constexpr std::size_t kSettledMax = 100;
constexpr std::int64_t kClaimsMax = 1'000;

Result<CouponBook::Wish> read_wish(const std::string& body) {
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body, 4'096));
  Problems problems;
  CouponBook::Wish wish;
  Fields in(json, "", problems);
  in.need("coupon", wish.code);
  in.need("order", wish.order.order);
  in.need("user", wish.order.user);
  in.need("price_cents", wish.price_cents, {0, kPriceMax});
  for (const auto& [key, id] : {std::pair{"order", wish.order.order}, {"user", wish.order.user}}) {
    if (!id.empty() && !is_id(id)) in.problem(key, "is no id");
  }
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return wish;
}

HttpResponse refuse(const CouponBook::Answer& answer) {
  if (answer.outcome == Outcome::kUnknown) {
    return refusal(404, "coupon_unknown", "没有这张优惠券 / there is no such coupon");
  }
  if (answer.outcome == Outcome::kNotValid) {
    return refusal(409, "coupon_not_valid", "优惠券不在有效期内 / the coupon is not valid now");
  }
  if (answer.outcome == Outcome::kOtherCoupon) {
    return refusal(422, "other_body", "this idempotency key was used for another request");
  }
  nlohmann::json doubtful = nlohmann::json::array();
  for (const auto& [order, user] : answer.doubtful) {
    doubtful.push_back({{"order", order}, {"user", user}});
  }
  const bool mine = answer.outcome == Outcome::kUsedByUser;
  return json_response({{"code", mine ? "coupon_used" : "coupon_used_up"},
                        {"error", mine ? "您已使用过这张优惠券 / you have used this coupon"
                                       : "优惠券已被领完 / this coupon is used up"},
                        {"doubtful", doubtful}},
                       409);
}

}  // namespace

HttpResponse CouponDesk::claim(const HttpRequest& request) {
  const auto wish = read_wish(request.body);
  if (!wish) return error_response(wish.error());
  const auto answer = book_->claim(*wish, SystemClock().wall());
  if (!answer) return error_response(answer.error());
  const bool granted = answer->outcome == Outcome::kGranted;
  ++(granted ? granted_ : refused_);
  if (!granted) return refuse(*answer);
  return json_response({{"discount_cents", answer->discount_cents}});
}

HttpResponse CouponDesk::settle(const HttpRequest& request) {
  const auto json = parse_json(request.body, 16'384);
  if (!json) return error_response(json.error());
  Problems problems;
  std::vector<std::string> used, free;
  Fields in(*json, "", problems);
  in.may("used", used);
  in.may("free", free);
  in.done();
  if (used.size() + free.size() > kSettledMax) problems.add("", "too many orders");
  if (!problems.empty()) return error_response(problems.error());
  if (auto done = book_->settle(used, free); !done) return error_response(done.error());
  return json_response({{"settled", used.size() + free.size()}});
}

HttpResponse CouponDesk::list(const HttpRequest& request) {
  const auto claims = book_->claims(query_text(request, "after"), kClaimsMax);
  if (!claims) return error_response(claims.error());
  nlohmann::json page = nlohmann::json::array(), codes = nlohmann::json::array();
  for (const CouponBook::Claim& claim : *claims) {
    page.push_back({{"order", claim.order.order},
                    {"user", claim.order.user},
                    {"code", claim.code},
                    {"discount_cents", claim.discount_cents},
                    {"settled", claim.settled}});
  }
  for (const Coupon& coupon : book_->codes()) {
    codes.push_back({{"code", coupon.code}, {"uses_max", coupon.uses_max}});
  }
  return json_response({{"claims", page}, {"codes", codes}});
}

void CouponDesk::add_to(HttpServer& server) {
  if (book_ == nullptr) return;
  server.route("POST", "/coupons/claims", [this](const HttpRequest& r) { return claim(r); });
  server.route("GET", "/coupons/claims", [this](const HttpRequest& r) { return list(r); });
  server.route("POST", "/coupons/settled", [this](const HttpRequest& r) { return settle(r); });
}

}  // namespace panshi::shop
