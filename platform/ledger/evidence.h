// SPDX-License-Identifier: Apache-2.0
// Evidence: what every witness says, as read, before anybody judges it.
//
// A witness that could not be heard is absent, and `doubts` says why: absence of evidence is never
// taken for evidence of absence.
#pragma once

#include <cstdint>
#include <map>
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
  std::string card_key;   // what he was shown; "" when nothing
  std::string user = {};  // an idempotency key is its user's own
};

struct OrderRow {
  enum class State { kPlaced, kPaid, kDelivered, kExpired };
  std::string order;
  std::string key;
  std::string product;
  std::int64_t quantity = 1;
  std::int64_t amount_cents = 0;
  State state = State::kPlaced;
  std::string user = {};
  std::optional<std::size_t> shard = {};  // where the row is
  std::string coupon = {};
  std::int64_t discount_cents = 0;
  std::string body_hash = {};
  struct Times {  // 0: the column is null
    std::int64_t placed_us = 0;
    std::int64_t paid_us = 0;
    std::int64_t delivered_us = 0;
  };
  std::optional<Times> times = {};
};

// A key that an order has: delivered, or only reserved for it.
struct CardKeyRow {
  std::string order;
  std::string card_key;
  std::string product = {};
  std::optional<std::size_t> shard = {};
  bool is_delivered = true;
  bool is_leaving = false;  // moved, or to be moved, to another shard
};

struct Charge {
  std::string charge;
  std::string order;
  std::int64_t amount_cents = 0;
  std::string user = {};
};

struct ProductRow {
  std::string product;
  std::int64_t stock_initial = 0;  // of all shards together
  std::int64_t price_cents = 0;    // 0: not said
  std::string title = {};
  bool is_contradicted = false;  // another shard has another price or title
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

// One row of `card_keys`, in whatever shard and state, that has the text of a key which an order
// has or a customer was shown.
struct KeyCopy {
  std::string card_key;
  std::size_t shard = 0;
  std::string order;         // "": nobody's
  bool is_for_sale = false;  // free, and not on its way to another shard
};

// The keys of one product that no order was given yet, over all shards.
struct KeyPool {
  std::int64_t free = 0;
  std::int64_t reserved = 0;
  std::int64_t travelling = 0;  // between shards: where it left, where it arrives, or both
};

// What Redis says of one order: this is what its customer sees on his page.
struct HoldFacts {
  OrderRow order;  // without shard and times; the state `paying` is kPlaced
  std::string card_key;
  bool is_uncounted = false;  // paid when nothing was left to sell
};

// One product in Redis, all of one instant.
struct ProductHolds {
  StockRow stock;
  std::vector<std::string> holding;  // orders whose stock goes back unless they are paid
  std::vector<std::string> sold;     // orders that are counted as sold
};

struct CouponClaim {
  std::string order;
  std::string code;
  std::string user;
  std::int64_t discount_cents = 0;
  bool is_settled = false;  // known to be used
};
struct CouponBookFacts {
  std::vector<CouponClaim> claims;
  std::map<std::string, std::int64_t> uses_max;  // by code
};

// A row that one of the copies of a shard has otherwise.
struct ReplicaDifference {
  std::string replica;  // "host:port"
  std::string id;       // the order, the product, or the card key
  std::string what;
};

// The price and title of a product that Redis tells the pages.
struct CatalogEntry {
  std::string title;
  std::int64_t price_cents = 0;
};

// What is read once the books are in order, or never will be: it costs more.
struct Details {
  std::optional<std::vector<KeyCopy>> key_copies = {};
  std::optional<std::map<std::string, KeyPool>> pools = {};               // by product
  std::optional<std::map<std::string, HoldFacts>> holds = {};             // by order
  std::optional<std::map<std::string, ProductHolds>> product_holds = {};  // by product
  std::optional<std::map<std::string, CatalogEntry>> catalog = {};        // by product
  std::optional<CouponBookFacts> coupons = {};
  std::vector<ReplicaDifference> differences = {};
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
  std::size_t shard_count = 0;      // 0: where a row should be is not known
  // Orders of events that wait in the shards' outboxes to be told.
  std::vector<std::string> outbox = {};
  Details details = {};
  std::vector<std::string> not_checked = {};  // in words; `valid` says nothing about these
};

}  // namespace panshi::shop
