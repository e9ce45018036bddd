// SPDX-License-Identifier: Apache-2.0
// Promise: an order travels through the queue unchanged; the same key is the same order; what a
// customer sends is read strictly.
#include "platform/storefront/model/order.h"

#include <catch2/catch.hpp>

#include "platform/storefront/model/catalog.h"

using namespace panshi;
using namespace panshi::shop;

TEST_CASE("the id of an order depends on user, key and product, and is pinned for ever") {
  CHECK(order_id_of("u1", "k1", "music-month") == "o-dc30b3747c0aaad3-music-month");
  const std::string id = order_id_of("u1", "k1", "music-month");
  CHECK(id != order_id_of("u2", "k1", "music-month"));
  CHECK(id != order_id_of("u1", "k2", "music-month"));
  CHECK(id != order_id_of("u1", "k1", "music-year"));
  CHECK(order_id_of("u1", "1k", "p") != order_id_of("u11", "k", "p"));
  CHECK(order_id_of(std::string(64, 'u'), std::string(128, 'k'), std::string(32, 'p')).size() <=
        64);
}

TEST_CASE("the product is read back from an order's id, and from nothing else") {
  CHECK(product_of(order_id_of("u1", "k1", "music-month")) == "music-month");
  CHECK(product_of("o-0123456789abcdef-p") == "p");
  for (const char* id :
       {"", "o-", "o-0123456789abcdef", "o-0123456789abcdef-", "o-0123456789abcdeX-p",
        "x-0123456789abcdef-p", "o-0123456789abcdef_p", "o-0123456789abcdef-P",
        "o-0123456789abcdef-a}b", "o-0123456789abcdef-abcdefghijklmnopqrstuvwxyz0123456"}) {
    INFO(id);
    CHECK(product_of(id).empty());
  }
}

TEST_CASE("every product of the shop can be told from an order of it") {
  for (const Product& product : products()) CHECK(is_product_id(product.product));
}

TEST_CASE("each part of a request changes its hash") {
  const std::string hash = body_hash_of("u1", "music", 1);
  CHECK(hash == body_hash_of("u1", "music", 1));
  CHECK(hash != body_hash_of("u2", "music", 1));
  CHECK(hash != body_hash_of("u1", "video", 1));
  CHECK(hash != body_hash_of("u1", "music", 2));
  CHECK(body_hash_of("u1m", "usic", 1) != body_hash_of("u1", "music", 1));
}

TEST_CASE("an order comes out of its message as it went in") {
  const Order order = {.order = "o-1",
                       .user = "u1",
                       .product = "music-month",
                       .quantity = 1,
                       .amount_cents = 1'500,
                       .idempotency_key = "k1",
                       .body_hash = "00ff",
                       .placed_at_us = 123,
                       .paid_at_us = 456,
                       .charge = "ch-9",
                       .coupon = "WELCOME",
                       .discount_cents = 150};
  const auto back = order_from_json(to_json(order));
  REQUIRE(back);
  CHECK(to_json(*back) == to_json(order));
}

TEST_CASE("a message with something missing or strange is refused with each place named") {
  nlohmann::json json = to_json(Order{});
  json["quantity"] = 2;
  json["colour"] = "blue";
  const auto order = order_from_json(json);
  REQUIRE_FALSE(order);
  for (const char* word : {"order", "user", "product", "quantity", "colour"}) {
    CHECK(order.error().message.find(word) != std::string::npos);
  }
}

TEST_CASE("a request is read strictly") {
  CHECK(read_place_request(R"({"user":"u1","product":"p"})"));
  CHECK(read_place_request(R"({"user":"u1","product":"p","quantity":1})"));
  CHECK_FALSE(read_place_request(R"({"user":"u1","product":"p","quantity":0})"));
  CHECK_FALSE(read_place_request(R"({"user":"u1","product":"p","quantity":1.5})"));
  CHECK_FALSE(read_place_request(R"({"user":"u 1","product":"p"})"));
  CHECK_FALSE(read_place_request(R"({"user":"u1","product":"p","price":1})"));
  CHECK_FALSE(read_place_request("[]"));
  CHECK(read_pay_request(R"({"user":"u1","amount_cents":0})"));
  CHECK_FALSE(read_pay_request(R"({"user":"u1","amount_cents":-1})"));
  CHECK_FALSE(read_pay_request(R"({"user":"u1"})"));
}

TEST_CASE("an idempotency key is an id") {
  CHECK(check_idempotency_key("c1-order.7_x"));
  CHECK_FALSE(check_idempotency_key(""));
  CHECK_FALSE(check_idempotency_key("two words"));
  CHECK_FALSE(check_idempotency_key(std::string(129, 'k')));
}
