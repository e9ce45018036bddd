// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/database_rows.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr std::int64_t kPageRows = 10'000;
constexpr std::size_t kCopiesAtOnce = 500;

// One row of an answer, cell by cell; remembers the first cell that was not as it must be.
class Cells {
 public:
  explicit Cells(const MariaDb::Row& row) : row_(row) {}
  std::string text() {
    if (next_ < row_.size() && row_[next_]) return *row_[next_++];
    if (ok_) ok_ = fail(ErrorCode::kInvalid, cat("column ", next_, " is missing or null"));
    ++next_;
    return {};
  }
  std::int64_t number() {
    const auto value = parse_integer(text());
    if (!value && ok_) ok_ = tl::unexpected(value.error());
    return value.value_or(0);
  }
  std::string text_or_null() { return is_null() ? skip() : text(); }
  std::int64_t number_or_null() { return is_null() ? (skip(), 0) : number(); }
  const Status& ok() const { return ok_; }

 private:
  bool is_null() const { return next_ < row_.size() && !row_[next_]; }
  std::string skip() {
    ++next_;
    return {};
  }

  const MariaDb::Row& row_;
  std::size_t next_ = 0;
  Status ok_;
};

// Runs `sql` (which wants `key > ? ORDER BY key LIMIT ?` and gives the key first) page by page.
template <class Key, class Each>
Status each_row(MariaDb& database, std::string_view sql, Key after, Each each) {
  while (true) {
    ASSIGN_OR_RETURN(const MariaDb::Answer page, database.run(sql, {after, kPageRows}));
    for (const MariaDb::Row& row : page.rows) {
      Cells cells(row);
      each(cells, after);
      if (!cells.ok()) return cells.ok();
    }
    if (page.rows.size() < static_cast<std::size_t>(kPageRows)) return {};
  }
}

Result<OrderRow::State> state_of(const std::string& name) {
  constexpr std::array<std::string_view, 4> kNames = {"placed", "paid", "delivered", "expired"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<OrderRow::State>(i);
  }
  return fail(ErrorCode::kInvalid, cat("no order state `", name, "`"));
}

Status read_orders(MariaDb& database, std::size_t index, std::vector<OrderRow>& rows) {
  Status states;
  const Status read =
      each_row(database,
               "SELECT order_id, idempotency_key, product, quantity, amount_cents, state, user_id,"
               " coupon, discount_cents, body_hash, placed_at_us, paid_at_us, delivered_at_us"
               " FROM orders WHERE order_id > ? ORDER BY order_id LIMIT ?",
               std::string(), [&](Cells& cells, std::string& after) {
                 OrderRow row;
                 after = row.order = cells.text();
                 row.key = cells.text();
                 row.product = cells.text();
                 row.quantity = cells.number();
                 row.amount_cents = cells.number();
                 const auto state = state_of(cells.text());
                 if (!state && states) states = tl::unexpected(state.error());
                 row.state = state.value_or(OrderRow::State::kPlaced);
                 row.user = cells.text();
                 row.coupon = cells.text();
                 row.discount_cents = cells.number();
                 row.body_hash = cells.text();
                 row.shard = index;
                 const std::int64_t placed = cells.number();
                 const std::int64_t paid = cells.number_or_null();
                 row.times = OrderRow::Times{placed, paid, cells.number_or_null()};
                 rows.push_back(std::move(row));
               });
  return read ? states : read;
}

Status read_keys(MariaDb& database, std::size_t index, std::vector<CardKeyRow>& rows) {
  return each_row(database,
                  "SELECT key_id, order_id, card_key, product, delivered_at_us IS NOT NULL,"
                  " gone OR moving_to <> -1 FROM card_keys"
                  " WHERE key_id > ? AND order_id IS NOT NULL ORDER BY key_id LIMIT ?",
                  std::int64_t{0}, [&](Cells& cells, std::int64_t& after) {
                    after = cells.number();
                    CardKeyRow row;
                    row.order = cells.text();
                    row.card_key = cells.text();
                    row.product = cells.text();
                    row.is_delivered = cells.number() != 0;
                    row.is_leaving = cells.number() != 0;
                    row.shard = index;
                    rows.push_back(std::move(row));
                  });
}

// Each shard has its share of the stock, and the same price and title.
void add_product(ProductRow product, std::vector<ProductRow>& products) {
  const auto known = std::find_if(products.begin(), products.end(), [&](const ProductRow& other) {
    return other.product == product.product;
  });
  if (known == products.end()) {
    products.push_back(std::move(product));
    return;
  }
  known->stock_initial += product.stock_initial;
  known->is_contradicted = known->is_contradicted || known->price_cents != product.price_cents ||
                           known->title != product.title;
}

Status read_products(MariaDb& database, std::vector<ProductRow>& rows) {
  return each_row(database,
                  "SELECT product, stock_initial, price_cents, title FROM products"
                  " WHERE product > ? ORDER BY product LIMIT ?",
                  std::string(), [&](Cells& cells, std::string& after) {
                    ProductRow row;
                    after = row.product = cells.text();
                    row.stock_initial = cells.number();
                    row.price_cents = cells.number();
                    row.title = cells.text();
                    add_product(std::move(row), rows);
                  });
}

Status read_outbox(MariaDb& database, std::vector<std::string>& orders) {
  return each_row(database, "SELECT id, order_id FROM outbox WHERE id > ? ORDER BY id LIMIT ?",
                  std::int64_t{0}, [&](Cells& cells, std::int64_t& after) {
                    after = cells.number();
                    orders.push_back(cells.text());
                  });
}

}  // namespace

Status read_tables(MariaDb& shard, std::size_t index, Evidence& evidence) {
  Status read = shard.script(
      "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
      "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  if (read) read = read_orders(shard, index, *evidence.orders);
  if (read) read = read_keys(shard, index, *evidence.card_keys);
  if (read) read = read_products(shard, *evidence.products);
  if (read) read = read_outbox(shard, evidence.outbox);
  return read;
}

Status read_pools(MariaDb& shard, std::map<std::string, KeyPool>& pools) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   shard.run("SELECT product, COUNT(IF(order_id IS NULL AND moving_to = -1, 1,"
                             " NULL)), COUNT(IF(order_id IS NOT NULL AND delivered_at_us IS NULL,"
                             " 1, NULL)), COUNT(IF(order_id IS NULL AND moving_to <> -1 AND"
                             " gone = 0, 1, NULL)) FROM card_keys GROUP BY product"));
  for (const MariaDb::Row& row : answer.rows) {
    Cells cells(row);
    KeyPool& pool = pools[cells.text()];
    pool.free += cells.number();
    pool.reserved += cells.number();
    pool.travelling += cells.number();
    if (!cells.ok()) return cells.ok();
  }
  return {};
}

Status read_copies(MariaDb& shard, std::size_t index, const std::set<std::string>& card_keys,
                   std::vector<KeyCopy>& copies) {
  std::string places = "?";
  for (std::size_t i = 1; i < kCopiesAtOnce; ++i) places += ",?";
  const std::string sql =
      cat("SELECT card_key, order_id, order_id IS NULL AND moving_to = -1 AND gone = 0"
          " FROM card_keys WHERE card_key IN (",
          places, ")");
  for (auto next = card_keys.begin(); next != card_keys.end();) {
    std::vector<MariaDb::Value> values;
    while (next != card_keys.end() && values.size() < kCopiesAtOnce) values.push_back(*next++);
    values.resize(kCopiesAtOnce, values.back());
    ASSIGN_OR_RETURN(const MariaDb::Answer answer, shard.run(sql, values));
    for (const MariaDb::Row& row : answer.rows) {
      Cells cells(row);
      KeyCopy copy{.card_key = cells.text(),
                   .shard = index,
                   .order = cells.text_or_null(),
                   .is_for_sale = false};
      copy.is_for_sale = cells.number() != 0;
      if (!cells.ok()) return cells.ok();
      copies.push_back(std::move(copy));
    }
  }
  return {};
}

}  // namespace panshi::shop
