// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/legacy/books.h"

#include <charconv>

namespace panshi::shop {
namespace {

std::int64_t number(const std::optional<std::string>& text) {
  std::int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

// order_id, user_id, product, amount_cents, placed_at_us, state, card_key
StoredOrder stored_order(const MariaDb::Row& row) {
  StoredOrder stored;
  stored.order.order = row.at(0).value_or("");
  stored.order.user = row.at(1).value_or("");
  stored.order.product = row.at(2).value_or("");
  stored.order.amount_cents = number(row.at(3));
  stored.order.placed_at_us = number(row.at(4));
  stored.state = row.at(5).value_or("");
  stored.card_key = row.at(6).value_or("");
  return stored;
}

Status done(const Result<MariaDb::Answer>& answer) {
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

}  // namespace

Result<std::vector<LegacyGoods>> read_goods(LegacySession& session, const std::string& product) {
  ASSIGN_OR_RETURN(
      const MariaDb::Answer answer,
      session.read("SELECT p.product, p.title, p.price_cents, s.left_count FROM shop.products p"
                   " JOIN shop.legacy_stock s ON s.product = p.product"
                   " WHERE ? IN ('', p.product) ORDER BY p.product",
                   {product}));
  std::vector<LegacyGoods> goods;
  for (const MariaDb::Row& row : answer.rows) {
    goods.push_back({.product = row.at(0).value_or(""),
                     .title = row.at(1).value_or(""),
                     .price_cents = number(row.at(2)),
                     .left = number(row.at(3))});
  }
  return goods;
}

Result<std::optional<StoredOrder>> find_order(LegacySession& session, const std::string& order) {
  ASSIGN_OR_RETURN(
      const MariaDb::Answer answer,
      session.read("SELECT o.order_id, o.user_id, o.product, o.amount_cents, o.placed_at_us,"
                   " o.state, k.card_key FROM shop.orders o"
                   " LEFT JOIN shop.card_keys k ON k.order_id = o.order_id WHERE o.order_id = ?",
                   {order}));
  if (answer.rows.empty()) return std::optional<StoredOrder>();
  return std::optional<StoredOrder>(stored_order(answer.rows[0]));
}

Result<std::vector<StoredOrder>> find_orders(LegacySession& session, const std::string& user,
                                             std::int64_t limit) {
  ASSIGN_OR_RETURN(
      const MariaDb::Answer answer,
      session.read("SELECT order_id, user_id, product, amount_cents, placed_at_us, state, NULL"
                   " FROM shop.orders WHERE user_id = ?"
                   " ORDER BY placed_at_us DESC, order_id LIMIT ?",
                   {user, limit}));
  std::vector<StoredOrder> orders;
  for (const MariaDb::Row& row : answer.rows) orders.push_back(stored_order(row));
  return orders;
}

Status write_purchase(LegacySession& session, const Order& order, const std::string& card_key) {
  if (auto begun = session.begin(); !begun) return begun;
  auto written = done(session.write(
      "INSERT INTO shop.orders (order_id, user_id, product, quantity, amount_cents, state,"
      " idempotency_key, body_hash, placed_at_us, paid_at_us, delivered_at_us)"
      " VALUES (?, ?, ?, ?, ?, 'delivered', ?, ?, ?, ?, ?)",
      {order.order, order.user, order.product, order.quantity, order.amount_cents,
       order.idempotency_key, order.body_hash, order.placed_at_us, order.paid_at_us,
       order.paid_at_us}));
  if (written) {
    written = done(
        session.write("UPDATE shop.legacy_stock SET left_count = left_count - ? WHERE product = ?",
                      {order.quantity, order.product}));
  }
  if (!written) return written;
  return done(
      session.write("INSERT INTO shop.card_keys (product, card_key, order_id, delivered_at_us)"
                    " VALUES (?, ?, ?, ?)",
                    {order.product, card_key, order.order, order.paid_at_us}));
}

}  // namespace panshi::shop
