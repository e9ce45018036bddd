// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/order_pages.h"

#include <charconv>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/json/fields.h"
#include "platform/storefront/base/serve.h"
#include "platform/storefront/model/coupon.h"

namespace panshi::shop {
namespace {

constexpr int kRefreshSeconds = 2;
constexpr std::int64_t kAmountMax = 100'000'000;

// Which sentence tells that an order was not taken; which key the form has next time.
struct Refused {
  const char* words;
  bool new_key;
};
Refused order_refused(const HttpResponse& response) {
  static const std::map<std::string, const char*> kOfCoupon = {
      {"coupons_unavailable", "coupons_off"},
      {"coupon_unknown", "coupon_unknown"},
      {"coupon_not_valid", "coupon_not_valid"},
      {"coupon_used", "coupon_used"},
      {"coupon_used_up", "coupon_used_up"}};
  const auto coupon = kOfCoupon.find(refusal_code(response));
  if (coupon != kOfCoupon.end()) return {coupon->second, true};
  if (response.status == 504) return {"order_unknown", false};
  if (response.status == 429) return {"order_busy", false};
  if (response.status >= 500) return {"order_not_kept", false};
  if (refusal_code(response) == "sold_out") return {"now_sold_out", true};
  if (refusal_code(response) == "expired") return {"state_expired", true};
  return {"order_refused", true};
}
Refused pay_refused(const HttpResponse& response) {
  if (response.status == 402) return {"pay_declined", true};
  if (response.status == 504) return {"pay_unknown", false};
  if (response.status == 429) return {"order_busy", false};
  if (response.status >= 500) return {"pay_not_taken", false};
  if (refusal_code(response) == "expired") return {"state_expired", true};
  return {"pay_refused", true};
}

std::optional<std::int64_t> read_cents(const std::string& text) {
  std::int64_t cents = -1;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, cents);
  const bool fine = !text.empty() && error == std::errc() && end == last;
  return fine && cents >= 0 && cents <= kAmountMax ? std::optional(cents) : std::nullopt;
}

Page no_such_order(const Visit& visit) {
  return {.status = 404,
          .html = message_page(visit.frame("/orders"), "not_found", "no_such_order")};
}
Page broken_form(const Visit& visit) {
  return {.status = 400, .html = message_page(visit.frame("/"), "forbidden", "form_broken")};
}

}  // namespace

Page OrderPages::checkout(Visit& visit) {
  return show_checkout(visit, {visit.request.captures[0], visit.fresh_key, ""}, nullptr);
}

// After a refusal the status stays that of the refusal.
Page OrderPages::show_checkout(const Visit& visit, const Wanted& wanted,
                               const HttpResponse* refused) {
  const auto shown = source_.goods(visit);
  const Goods* goods = find_goods(shown.list(), wanted.product);
  Frame frame = visit.frame(cat("/checkout/", wanted.product));
  if (shown.goods && goods == nullptr) {
    return {.status = 404, .html = message_page(frame, "not_found", "no_such_product")};
  }
  frame.stale = shown.stale;
  CheckoutView view = {
      .product = wanted.product, .goods = {}, .key = wanted.key, .coupon = wanted.coupon};
  if (goods != nullptr) view.goods = *goods;
  Page page;
  if (refused != nullptr) {
    const Refused why = order_refused(*refused);
    frame.problem = words(frame.language)(why.words);
    if (why.new_key) view.key = visit.fresh_key;
    view.again = !why.new_key;
    view.full_price = refusal_code(*refused) == "coupons_unavailable";
    if (view.full_price) view.coupon.clear();
    page.status = refused->status;
  }
  page.html = checkout_page(frame, view);
  return page;
}

OrderPages::Placed OrderPages::send_order(Visit& visit, const Wanted& wanted) {
  HttpRequest request = visit.asks("POST", "/api/orders");
  request.headers["idempotency-key"] = wanted.key;
  nlohmann::json wish = {{"user", visit.visitor.user}, {"product", wanted.product}};
  if (!wanted.coupon.empty()) wish["coupon"] = wanted.coupon;
  request.body = dump_json(wish);
  const bool a_code = wanted.coupon.empty() || is_coupon_code(wanted.coupon);
  Placed placed;
  placed.response = a_code ? shop_.orders(request) : refusal(404, "coupon_unknown", "");
  const auto body = parse_json(placed.response.body);
  if (placed.response.status != 201) return placed;
  if (body && body->is_object()) placed.order = body->value("order", "");
  if (!is_id(placed.order)) {
    placed.order.clear();
    placed.response.status = 504;  // taken, but not said which: ask again
    return placed;
  }
  placed.amount_cents = body->value("amount_cents", std::int64_t{0});
  visit.visitor.remember({placed.order, wanted.product, placed.amount_cents});
  return placed;
}

Page OrderPages::place(Visit& visit) {
  const Wanted wanted = {field(visit.form, "product"), field(visit.form, "key"),
                         coupon_code_typed(field(visit.form, "coupon"))};
  if (!is_id(wanted.product) || !is_id(wanted.key)) return broken_form(visit);
  const Placed placed = send_order(visit, wanted);
  if (placed.order.empty()) return show_checkout(visit, wanted, &placed.response);
  return redirect_to(cat("/orders/", placed.order));
}

Page OrderPages::buy(Visit& visit) {
  const Wanted wanted = {field(visit.form, "product"), field(visit.form, "key"), ""};
  if (!is_id(wanted.product) || !is_id(wanted.key)) return broken_form(visit);
  const Placed placed = send_order(visit, wanted);
  if (placed.order.empty()) return show_checkout(visit, wanted, &placed.response);
  // Made from the form's key: pressed twice it is one charge.
  return take_payment(visit, placed.order, cat(wanted.key, "-pay"), placed.amount_cents);
}

Page OrderPages::order(Visit& visit) {
  const std::string& order = visit.request.captures[0];
  return show_order(visit, order, visit.frame(cat("/orders/", order)), visit.fresh_key);
}

Page OrderPages::show_order(Visit& visit, const std::string& order, Frame frame,
                            const std::string& key) {
  HttpRequest request = visit.asks("GET", cat("/api/orders/", order));
  request.query["user"] = visit.visitor.user;
  const HttpResponse response = shop_.orders(request);
  if (response.status == 404) return no_such_order(visit);
  const auto shown = source_.goods(visit);
  const RememberedOrder* remembered = visit.visitor.remembered(order);
  OrderView view = {.order = order, .state = "unknown", .key = key};
  if (const auto answer = read_order(response)) {
    view.state = answer->state;
    view.product = answer->product;
    view.amount_cents = answer->amount_cents;
    view.card_key = answer->card_key;
    view.coupon = answer->coupon;
    view.discount_cents = answer->discount_cents;
  } else if (remembered != nullptr) {
    view.product = remembered->product;
    view.amount_cents = remembered->amount_cents;
    if (frame.problem.empty()) frame.problem = words(frame.language)("order_remembered");
  } else if (frame.problem.empty()) {
    frame.problem = words(frame.language)("order_waits");
  }
  if (!view.product.empty()) view.title = visit.title_of(shown.list(), view.product);
  // Not while there is something to press: the page would be renewed under the finger.
  const bool waiting = view.state == "paid" || (view.state == "unknown" && !view.amount_cents);
  frame.refresh_seconds = waiting ? kRefreshSeconds : 0;
  return {.status = view.state == "unknown" ? 503 : 200, .html = order_page(frame, view)};
}

Page OrderPages::pay(Visit& visit) {
  const std::string& order = visit.request.captures[0];
  const std::string key = field(visit.form, "key");
  const auto cents = read_cents(field(visit.form, "amount_cents"));
  if (!is_id(key) || !cents) return broken_form(visit);
  return take_payment(visit, order, key, *cents);
}

Page OrderPages::take_payment(Visit& visit, const std::string& order, const std::string& key,
                              std::int64_t amount_cents) {
  HttpRequest request = visit.asks("POST", cat("/api/orders/", order, "/pay"));
  request.headers["idempotency-key"] = key;
  request.body = dump_json({{"user", visit.visitor.user}, {"amount_cents", amount_cents}});
  const HttpResponse paid = shop_.payments(request);
  visit.cookies = paid.cookies;  // who has paid goes first, at the other edge too
  if (paid.status == 200) return redirect_to(cat("/orders/", order));
  if (paid.status == 404) return no_such_order(visit);
  const Refused why = pay_refused(paid);
  Frame frame = visit.frame(cat("/orders/", order));
  frame.problem = words(frame.language)(why.words);
  Page page = show_order(visit, order, frame, why.new_key ? visit.fresh_key : key);
  page.status = paid.status;
  return page;
}

Page OrderPages::history(Visit& visit) {
  HttpRequest request = visit.asks("GET", "/api/orders");
  request.query["user"] = visit.visitor.user;
  const auto found = read_history(shop_.orders(request));
  const auto shown = source_.goods(visit);
  Frame frame = visit.frame("/orders");
  HistoryView view;
  if (found) {
    view.orders = *found;
    for (HistoryView::Item& item : view.orders) {
      item.title = visit.title_of(shown.list(), item.title);
    }
  } else {
    frame.problem = words(frame.language)("history_remembered");
    for (const RememberedOrder& order : visit.visitor.orders) {
      view.orders.push_back({.order = order.order,
                             .title = visit.title_of(shown.list(), order.product),
                             .amount_cents = order.amount_cents});
    }
  }
  return {.html = history_page(frame, view)};
}

}  // namespace panshi::shop
