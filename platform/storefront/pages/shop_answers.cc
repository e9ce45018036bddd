// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/shop_answers.h"

#include "core/json/fields.h"

namespace panshi::shop {
namespace {

using nlohmann::json;

// The body when `response` is a success and `read` finds in it what was promised.
template <class Answer>
std::optional<Answer> read_answer(const HttpResponse& response,
                                  const std::function<void(const json&, Answer&)>& read) {
  if (response.status / 100 != 2) return std::nullopt;
  const auto body = parse_json(response.body);
  if (!body) return std::nullopt;
  try {
    Answer answer;
    read(*body, answer);
    return answer;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<GoodsList> read_goods(const HttpResponse& response) {
  return read_answer<GoodsList>(response, [](const json& body, GoodsList& goods) {
    for (const json& item : body.at("products")) {
      goods.push_back({.product = item.at("product"),
                       .title = item.at("title"),
                       .price_cents = item.at("price_cents"),
                       .free = item.at("free").get<std::int64_t>()});
    }
  });
}

std::optional<OrderAnswer> read_order(const HttpResponse& response) {
  return read_answer<OrderAnswer>(response, [](const json& body, OrderAnswer& order) {
    order.state = body.at("state");
    order.product = body.value("product", "");
    order.amount_cents = body.value("amount_cents", std::int64_t{0});
    order.coupon = body.value("coupon", "");
    order.discount_cents = body.value("discount_cents", std::int64_t{0});
    const json& key = body.value("card_key", json());
    if (key.is_string()) order.card_key = key;
  });
}

std::optional<std::vector<HistoryView::Item>> read_history(const HttpResponse& response) {
  using Items = std::vector<HistoryView::Item>;
  return read_answer<Items>(response, [](const json& body, Items& items) {
    for (const json& item : body.at("orders")) {
      items.push_back({.order = item.at("order"),
                       .title = item.at("product"),
                       .amount_cents = item.at("amount_cents"),
                       .state = item.at("state"),
                       .placed_at_us = item.at("placed_at_us")});
    }
  });
}

std::string refusal_code(const HttpResponse& response) {
  const auto body = parse_json(response.body);
  if (!body || !body->is_object()) return "";
  const auto code = body->find("code");
  return code != body->end() && code->is_string() ? code->get<std::string>() : "";
}

std::optional<ListExtras> read_list_extras(const HttpResponse& response) {
  return read_answer<ListExtras>(response, [](const json& body, ListExtras& extras) {
    extras.products = body.at("products").get<std::vector<std::string>>();
    extras.hot = body.at("hot").get<std::vector<std::string>>();
    extras.announcement = body.at("announcement");
    for (const auto& [product, rating] : body.at("ratings").items()) {
      extras.ratings[product] = {rating.at("stars"), rating.at("count")};
    }
  });
}

std::optional<ProductExtras> read_product_extras(const HttpResponse& response) {
  return read_answer<ProductExtras>(response, [](const json& body, ProductExtras& extras) {
    extras.recommended = body.at("recommended").get<std::vector<std::string>>();
    extras.views = body.at("views");
    for (const json& item : body.at("reviews")) {
      extras.reviews.push_back(
          {item.at("who"), item.at("stars"), item.at("text"), item.at("at_us")});
    }
  });
}

std::optional<std::vector<ChatMessage>> read_chat(const HttpResponse& response) {
  using Messages = std::vector<ChatMessage>;
  return read_answer<Messages>(response, [](const json& body, Messages& messages) {
    for (const json& item : body.at("messages")) {
      messages.push_back({item.at("from_shop"), item.at("text"), item.at("at_us")});
    }
  });
}

}  // namespace panshi::shop
