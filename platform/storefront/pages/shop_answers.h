// SPDX-License-Identifier: Apache-2.0
// What the shop's roles answer, read for the pages. Pure; an answer that is not as promised is
// none.
#pragma once

#include <map>
#include <optional>

#include "core/io/http_server.h"
#include "platform/storefront/pages/views.h"

namespace panshi::shop {

std::optional<GoodsList> read_goods(const HttpResponse& response);

struct OrderAnswer {
  std::string state, product, card_key, coupon;
  std::int64_t amount_cents = 0;
  std::int64_t discount_cents = 0;
};
std::optional<OrderAnswer> read_order(const HttpResponse& response);
std::optional<std::vector<HistoryView::Item>> read_history(const HttpResponse& response);
// {"code": …} of a refusal; "" when there is none.
std::string refusal_code(const HttpResponse& response);

// The extras of the list, and of one product.
struct ListExtras {
  std::vector<std::string> products;  // what was found, in the order asked for
  std::vector<std::string> hot;
  std::map<std::string, Rating> ratings;
  std::string announcement;  // in both languages, "中文 / English"
};
std::optional<ListExtras> read_list_extras(const HttpResponse& response);
struct ProductExtras {
  std::vector<Review> reviews;
  std::vector<std::string> recommended;
  std::int64_t views = 0;
};
std::optional<ProductExtras> read_product_extras(const HttpResponse& response);
std::optional<std::vector<ChatMessage>> read_chat(const HttpResponse& response);

}  // namespace panshi::shop
