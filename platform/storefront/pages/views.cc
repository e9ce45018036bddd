// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/views.h"

#include <cmath>

#include "core/base/text.h"
#include "core/json/html.h"
#include "platform/storefront/pages/embedded.h"

namespace panshi::shop {
namespace {

using nlohmann::json;

// Mustache shows a section for "" too, so what is absent is false.
json or_absent(const std::string& text) { return text.empty() ? json(false) : json(text); }

std::string whole_page(const Frame& frame, std::string_view page, const std::string& heading,
                       json content) {
  const Language other =
      frame.language == Language::kChinese ? Language::kEnglish : Language::kChinese;
  const json& said = words(frame.language).all();
  content["w"] = said;
  content["token"] = frame.token;
  content["refresh"] = frame.refresh_seconds > 0;
  const std::string name = page == "skeleton" ? "product" : std::string(page);
  return fill_template(
      page_file("templates/layout.mustache"),
      {{"lang", code_of(frame.language)},
       {"other_lang", code_of(other)},
       {"page", page},
       {"path", frame.path},
       {"heading", heading},
       {"version", pages_version()},
       {"refresh", frame.refresh_seconds > 0 ? json(frame.refresh_seconds) : json(false)},
       {"stale", frame.stale},
       {"announcement", or_absent(frame.announcement)},
       {"problem", or_absent(frame.problem)},
       {"done", or_absent(frame.done)},
       {"w", said},
       {"content", fill_template(page_file(cat("templates/", name, ".mustache")), content)}});
}

std::string stock_text(const Words& said, const std::optional<std::int64_t>& free) {
  if (!free) return said("stock_unknown");
  if (*free <= 0) return said("sold_out");
  return said.with("left", "n", std::to_string(*free));
}

json goods_json(Language language, const Goods& goods) {
  const Words& said = words(language);
  const bool sold_out = goods.free && *goods.free <= 0;
  return {{"product", goods.product},
          {"title", title_in(language, goods.title)},
          {"price", price_text(goods.price_cents)},
          {"stock", stock_text(said, goods.free)},
          {"sold_out", sold_out},
          {"buy", !sold_out}};
}

std::string stars_text(std::int64_t stars) {
  std::string text;
  for (std::int64_t i = 1; i <= 5; ++i) text += i <= stars ? "★" : "☆";
  return text;
}

json choice(const std::string& value, const std::string& label, const std::string& chosen) {
  return {{"value", value}, {"label", label}, {"chosen", value == chosen}};
}

}  // namespace

std::string list_page(const Frame& frame, const ListView& view) {
  const Words& said = words(frame.language);
  json products = json::array();
  for (const ListView::Item& item : view.items) {
    json product = goods_json(frame.language, item.goods);
    product["stars"] =
        item.rating.count > 0
            ? json(cat(stars_text(std::lround(item.rating.stars)), " (", item.rating.count, ")"))
            : json(false);
    products.push_back(std::move(product));
  }
  json hot = json::array();
  for (const Goods& goods : view.hot) hot.push_back(goods_json(frame.language, goods));
  json prices = json::array({choice("", said("any_price"), view.under)});
  for (const std::int64_t yuan : {20, 50, 100, 200}) {
    prices.push_back(choice(std::to_string(yuan), price_text(yuan * 100), view.under));
  }
  return whole_page(frame, "list", said("products"),
                    {{"products", products},
                     {"nothing", view.nothing},
                     {"no_match", view.items.empty() && !view.nothing},
                     {"has_hot", !hot.empty()},
                     {"hot", hot},
                     {"search", view.search},
                     {"q", view.query},
                     {"prices", prices},
                     {"sorts", json::array({choice("", said("sort_usual"), view.sort),
                                            choice("price", said("sort_price"), view.sort),
                                            choice("hot", said("sort_hot"), view.sort)})}});
}

std::string product_page(const Frame& frame, const ProductView& view) {
  const Words& said = words(frame.language);
  json content = {{"product", view.product},
                  {"buy_label", said("buy_directly")},
                  {"key", view.key},
                  {"buy", false}};
  if (view.goods) {
    content.update(goods_json(frame.language, *view.goods));
    content["buy_label"] = said.with("buy_for", "price", price_text(view.goods->price_cents));
  }
  json recommended = json::array();
  for (const Goods& goods : view.recommended) {
    recommended.push_back(goods_json(frame.language, goods));
  }
  json reviews = json::array();
  for (const Review& review : view.reviews.value_or(std::vector<Review>{})) {
    reviews.push_back({{"stars", stars_text(review.stars)},
                       {"who", review.who},
                       {"when", time_text(review.at_us)},
                       {"text", review.text}});
  }
  json stars = json::array();
  for (const int value : {5, 4, 3, 2, 1}) {
    stars.push_back({{"value", value}, {"chosen", value == view.draft_stars}});
  }
  content["known"] = view.goods.has_value();
  content["skeleton"] = !view.goods.has_value();
  content["views"] =
      view.views > 0 ? json(said.with("views", "n", std::to_string(view.views))) : json(false);
  content["has_recommended"] = !recommended.empty();
  content["recommended"] = recommended;
  content["reviews"] = reviews;
  content["reviews_off"] = !view.reviews.has_value();
  content["no_reviews"] = view.reviews && reviews.empty();
  content["may_review"] = view.reviews.has_value() || !view.draft.empty();
  content["star_choices"] = stars;
  content["draft"] = view.draft;
  const std::string heading =
      view.goods ? title_in(frame.language, view.goods->title) : view.product;
  return whole_page(frame, view.goods ? "product" : "skeleton", heading, std::move(content));
}

std::string checkout_page(const Frame& frame, const CheckoutView& view) {
  const Words& said = words(frame.language);
  json content = view.goods ? goods_json(frame.language, *view.goods)
                            : json({{"title", view.product},
                                    {"price", said("price_unknown")},
                                    {"stock", stock_text(said, std::nullopt)}});
  content["product"] = view.product;
  content["key"] = view.key;
  content["coupon"] = view.coupon;
  content["submit"] = said(view.full_price ? "place_full_price"
                           : view.again    ? "order_retry"
                                           : "place_order");
  return whole_page(frame, "checkout", said("checkout"), std::move(content));
}

std::string order_page(const Frame& frame, const OrderView& view) {
  const Words& said = words(frame.language);
  const bool pay =
      view.amount_cents.has_value() && (view.state == "placed" || view.state == "unknown");
  const std::string price = view.amount_cents ? price_text(*view.amount_cents) : "";
  const bool expired = view.state == "expired" && !view.product.empty();
  return whole_page(frame, "order", said("order_heading"),
                    {{"order", view.order},
                     {"state", view.state},
                     {"message", said(cat("state_", view.state))},
                     {"title", or_absent(title_in(frame.language, view.title))},
                     {"price", or_absent(price)},
                     {"coupon", or_absent(view.coupon)},
                     {"discount", price_text(view.discount_cents)},
                     {"card_key", or_absent(view.card_key)},
                     {"pay", pay},
                     {"key", view.key},
                     {"amount_cents", view.amount_cents.value_or(0)},
                     {"pay_label", said.with("pay_amount", "price", price)},
                     {"again", expired ? json(cat("/checkout/", view.product)) : json(false)}});
}

std::string history_page(const Frame& frame, const HistoryView& view) {
  const Words& said = words(frame.language);
  json orders = json::array();
  for (const HistoryView::Item& item : view.orders) {
    orders.push_back({{"order", item.order},
                      {"title", title_in(frame.language, item.title)},
                      {"price", price_text(item.amount_cents)},
                      {"state", item.state.empty() ? "" : said(cat("state_", item.state))},
                      {"when", or_absent(time_text(item.placed_at_us))}});
  }
  return whole_page(frame, "history", said("history"),
                    {{"orders", orders}, {"empty", view.orders.empty()}});
}

std::string support_page(const Frame& frame, const SupportView& view) {
  const Words& said = words(frame.language);
  json messages = json::array();
  for (const ChatMessage& message : view.messages.value_or(std::vector<ChatMessage>{})) {
    messages.push_back(
        {{"who", message.from_shop ? "shop" : "me"},
         {"name", said(message.from_shop ? "shop_says" : "me")},
         {"when", time_text(message.at_us)},
         {"text", message.from_shop ? title_in(frame.language, message.text) : message.text}});
  }
  return whole_page(frame, "support", said("support"),
                    {{"chat", view.messages.has_value()}, {"messages", messages}});
}

std::string plan_page(const Frame& frame, const std::vector<PlanLine>& lines) {
  json rows = json::array();
  for (const PlanLine& line : lines) {
    rows.push_back({{"level", line.level},
                    {"title", line.title},
                    {"depends_on", line.depends_on},
                    {"otherwise", line.otherwise}});
  }
  return whole_page(frame, "plan", words(frame.language)("plan"), {{"rows", rows}});
}

std::string message_page(const Frame& frame, std::string_view heading, std::string_view text) {
  const Words& said = words(frame.language);
  return whole_page(frame, "message", said(heading), {{"text", said(text)}});
}

}  // namespace panshi::shop
