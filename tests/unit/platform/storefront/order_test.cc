// SPDX-License-Identifier: Apache-2.0
// Promise: an order travels through the queue unchanged; the same key is the same order; what a
// customer sends is read strictly.
#include "platform/storefront/model/order.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;

TEST_CASE("the id of an order depends on its key alone and is pinned for ever") {
  CHECK(order_id_of("") == "o-cbf29ce484222325");
  CHECK(order_id_of("a") == "o-af63dc4c8601ec8c");
  CHECK(order_id_of("a") != order_id_of("b"));
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
                       .charge = "ch-9"};
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
