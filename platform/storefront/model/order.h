// SPDX-License-Identifier: Apache-2.0
// Order: one purchase, and the form in which it travels through the queue.
//
// Every message carries the whole order, so a consumer never needs another message first.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/json/fields.h"

namespace panshi::shop {

struct Order {
  std::string order;  // order_id_of(user, idempotency_key, product)
  std::string user;
  std::string product;
  std::int64_t quantity = 1;
  std::int64_t amount_cents = 0;
  std::string idempotency_key;
  std::string body_hash;
  std::int64_t placed_at_us = 0;
  std::int64_t paid_at_us = 0;      // 0: not paid
  std::string charge;               // the provider's id; "" when not paid
  std::string coupon = {};          // "": none
  std::int64_t discount_cents = 0;  // by the coupon; amount_cents is what is left to pay
};

// "o-", 16 hex digits of the FNV-1a hash of user and key, "-", the product: the same key of the
// same user for the same product is the same order, wherever asked, and the id says where its hold
// is.
std::string order_id_of(std::string_view user, std::string_view idempotency_key,
                        std::string_view product);
// "" when the id has not that form.
std::string_view product_of(std::string_view order_id);
// 1-32 characters of [a-z0-9-].
bool is_product_id(std::string_view text);
// What the customer asked for, to tell a repeat from another request under the same key.
std::string body_hash_of(std::string_view user, std::string_view product, std::int64_t quantity,
                         std::string_view coupon = {});

nlohmann::json to_json(const Order& order);
Result<Order> order_from_json(const nlohmann::json& json);

// An order as the database keeps it.
struct StoredOrder {
  Order order;
  std::string state;     // placed, paid, delivered or expired
  std::string card_key;  // "" until delivered
};

struct PlaceRequest {
  std::string user;
  std::string product;
  std::int64_t quantity = 1;
  std::string coupon = {};  // "": none
};
struct PayRequest {
  std::string user;
  std::int64_t amount_cents = 0;
};
Result<PlaceRequest> read_place_request(std::string_view body);
Result<PayRequest> read_pay_request(std::string_view body);
// 1-128 characters of [A-Za-z0-9_.-]; kInvalid names the header.
Status check_idempotency_key(std::string_view key);

// What the page and the API say about an order in `state`.
std::string message_for(std::string_view state);

}  // namespace panshi::shop
