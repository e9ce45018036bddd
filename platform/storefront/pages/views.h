// SPDX-License-Identifier: Apache-2.0
// Views: data in, a whole HTML page out. Pure functions; every value is escaped.
//
// A page works with JavaScript off; what is not known is left out or said to be unknown, never
// guessed. At most 50 KB each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/storefront/pages/goods_cache.h"
#include "platform/storefront/pages/words.h"

namespace panshi::shop {

// What every page has.
struct Frame {
  Language language = Language::kChinese;
  std::string path = "/";  // of this page, for the link to the other language
  std::string token = {};  // of the visitor, for forms
  std::string announcement = {};
  std::string problem = {};  // what went wrong with what was just sent
  std::string done = {};     // what was just done
  bool stale = false;
  int refresh_seconds = 0;  // 0: the page does not renew itself
};

struct Rating {
  double stars = 0;
  std::int64_t count = 0;
};
struct ListView {
  struct Item {
    Goods goods;
    Rating rating = {};
  };
  std::vector<Item> items = {};
  bool nothing = false;                           // the goods are not known
  bool search = false;                            // the form is shown
  std::string query = {}, under = {}, sort = {};  // as chosen in it
  std::vector<Goods> hot = {};
};
struct Review {
  std::string who;
  std::int64_t stars = 0;
  std::string text;
  std::int64_t at_us = 0;
};
struct ProductView {
  std::string product;
  std::optional<Goods> goods;  // none: a skeleton
  std::optional<std::vector<Review>> reviews = {};
  std::vector<Goods> recommended = {};
  std::int64_t views = 0;
  std::int64_t draft_stars = 5;  // of a review that could not be saved
  std::string draft = {};
  std::string key = {};  // a skeleton's: of the order and the payment that its button makes
};
struct CheckoutView {
  std::string product;
  std::optional<Goods> goods;
  std::string key;          // idempotency key of this order
  bool again = false;       // the form was sent before
  std::string coupon = {};  // as it was typed
  bool full_price = false;  // coupons are off: he is asked whether to order without
};
struct OrderView {
  std::string order;
  std::string state;  // "unknown" when the shop cannot say
  std::string product = {};
  std::string title = {};
  std::optional<std::int64_t> amount_cents = {};  // without it the order cannot be paid here
  std::string coupon = {};
  std::int64_t discount_cents = 0;
  std::string card_key = {};
  std::string key = {};  // idempotency key of the payment
};
struct HistoryView {
  struct Item {
    std::string order;
    std::string title;
    std::int64_t amount_cents = 0;
    std::string state = {};
    std::int64_t placed_at_us = 0;
  };
  std::vector<Item> orders;
};
struct ChatMessage {
  bool from_shop = false;
  std::string text;
  std::int64_t at_us = 0;
};
struct SupportView {
  std::optional<std::vector<ChatMessage>> messages;  // none: no chat
};
struct PlanLine {
  std::int64_t level = 1;
  std::string title;
  std::string depends_on;
  std::string otherwise;
};

std::string list_page(const Frame& frame, const ListView& view);
std::string product_page(const Frame& frame, const ProductView& view);
std::string checkout_page(const Frame& frame, const CheckoutView& view);
std::string order_page(const Frame& frame, const OrderView& view);
std::string history_page(const Frame& frame, const HistoryView& view);
std::string support_page(const Frame& frame, const SupportView& view);
std::string plan_page(const Frame& frame, const std::vector<PlanLine>& lines);
// A heading and a sentence, both keys of the dictionary.
std::string message_page(const Frame& frame, std::string_view heading, std::string_view text);

}  // namespace panshi::shop
