// SPDX-License-Identifier: Apache-2.0
// Evidence: what every witness says, as read, before anybody judges it.
//
// A witness that could not be heard is absent, and `doubts` says why: absence of evidence is never
// taken for evidence of absence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace panshi::shop {

// One customer's own account, folded from his log lines.
struct Account {
  enum class Answer { kNotAsked, kUnknown, kRefused, kAcknowledged };
  std::string customer;
  std::string order_key;
  std::string order;  // "" when the shop never named it
  std::string product;
  std::int64_t amount_cents = 0;
  std::int64_t placing_us = 0;  // first attempt
  Answer placed = Answer::kNotAsked;
  Answer paid = Answer::kNotAsked;
  std::string card_key;  // what he was shown; "" when nothing
};

struct OrderRow {
  enum class State { kPlaced, kPaid, kDelivered, kExpired };
  std::string order;
  std::string key;
  std::string product;
  std::int64_t quantity = 1;
  std::int64_t amount_cents = 0;
  State state = State::kPlaced;
};

struct CardKeyRow {
  std::string order;
  std::string card_key;
};

struct Charge {
  std::string charge;
  std::string order;
  std::int64_t amount_cents = 0;
};

struct ProductRow {
  std::string product;
  std::int64_t stock_initial = 0;
};

struct StockRow {
  std::string product;
  std::int64_t initial = 0;
  std::int64_t free = 0;
  std::int64_t held = 0;
  std::int64_t sold = 0;
};

struct QueueFacts {
  std::int64_t waiting = 0;  // not yet delivered to a consumer, or not yet acknowledged
  // Orders named by a message of the stream. Absent: not asked for, or unreadable.
  std::optional<std::vector<std::string>> placed = {};
  std::optional<std::vector<std::string>> paid = {};
};

struct Evidence {
  std::int64_t since_us = 0;   // accounts that began earlier are known, but not judged again
  std::int64_t log_bytes = 0;  // of the customers' log, all of which was read
  // Nobody was under way when the log was heard. Else they went on, and what the log does not know
  // may have been attempted since.
  bool customers_at_rest = true;
  bool has_soft_stock = true;  // the shop keeps counts in Redis; else `stock` is not asked for
  std::optional<std::vector<Account>> accounts;
  std::optional<std::vector<OrderRow>> orders;
  std::optional<std::vector<CardKeyRow>> card_keys;  // those given to an order
  std::optional<std::vector<ProductRow>> products;
  std::optional<std::vector<Charge>> charges;
  std::optional<std::vector<StockRow>> stock;
  std::optional<QueueFacts> queue;
  std::vector<std::string> doubts;  // whatever keeps the verdict from being `valid`
};

}  // namespace panshi::shop
