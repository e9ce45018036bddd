// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/database.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

#include "core/base/text.h"
#include "platform/storefront/stores/schema.h"

namespace panshi::shop {
namespace {

std::int64_t number(const std::optional<std::string>& text) {
  std::int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}
std::string text_of(const std::optional<std::string>& text) { return text.value_or(""); }

// user_id, product, quantity, amount_cents, idempotency_key, body_hash, placed_at_us, paid_at_us,
// state, card_key, coupon, discount_cents
StoredOrder stored_order(const std::string& order, const MariaDb::Row& row) {
  return {.order = {.order = order,
                    .user = text_of(row[0]),
                    .product = text_of(row[1]),
                    .quantity = number(row[2]),
                    .amount_cents = number(row[3]),
                    .idempotency_key = text_of(row[4]),
                    .body_hash = text_of(row[5]),
                    .placed_at_us = number(row[6]),
                    .paid_at_us = number(row[7]),
                    .charge = {},
                    .coupon = text_of(row[10]),
                    .discount_cents = number(row[11])},
          .state = text_of(row[8]),
          .card_key = text_of(row[9])};
}

// (outcome, card_key)
ShopDatabase::Allocation allocation(const MariaDb::Row& row) {
  using Allocated = ShopDatabase::Allocated;
  const std::string outcome = text_of(row[0]);
  if (outcome == "dry") return {Allocated::kDry, ""};
  if (outcome == "not_paid") return {Allocated::kNotPaid, ""};
  if (outcome == "otherwise") return {Allocated::kOtherwise, ""};
  if (outcome == "no_order") return {Allocated::kNoOrder, ""};
  return {Allocated::kOk, text_of(row[1])};
}

Status status_of(const Result<MariaDb::Answer>& answer) {
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

}  // namespace

ShopDatabase::ShopDatabase(MariaDb::Options options, std::size_t connections)
    : statement_timeout_(options.statement_timeout),
      pool_({.name = cat("mariadb ", options.host, ":", options.port),
             .size = connections,
             .breaker = {.failures_max = 1, .open_for = std::chrono::seconds(1)}},
            [options] { return MariaDb::connect(options); }) {}

Result<MariaDb::Answer> ShopDatabase::run(std::string_view sql,
                                          std::span<const MariaDb::Value> values) {
  return pool_.with([&](MariaDb& database) { return database.run(sql, values); });
}

Status ShopDatabase::place(const Order& order) {
  const auto inserted =
      run("INSERT INTO shop.orders (order_id, user_id, product, quantity, amount_cents, state,"
          " idempotency_key, body_hash, placed_at_us, coupon, discount_cents)"
          " VALUES (?, ?, ?, ?, ?, 'placed', ?, ?, ?, ?, ?)",
          {order.order, order.user, order.product, order.quantity, order.amount_cents,
           order.idempotency_key, order.body_hash, order.placed_at_us, order.coupon,
           order.discount_cents});
  if (inserted || inserted.error().code != ErrorCode::kConflict) return status_of(inserted);
  ASSIGN_OR_RETURN(const std::optional<StoredOrder> found, find(order.order));
  if (found && found->order.idempotency_key == order.idempotency_key &&
      found->order.body_hash == order.body_hash) {
    return {};
  }
  return fail(ErrorCode::kConflict, "this idempotency key was used for another request");
}

Result<bool> ShopDatabase::mark_paid(const Order& order) {
  ASSIGN_OR_RETURN(
      const MariaDb::Row row,
      call("CALL shop.mark_paid(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
           {order.order, order.product, order.paid_at_us, order.user, order.quantity,
            order.amount_cents, order.idempotency_key, order.body_hash, order.placed_at_us,
            order.paid_at_us, order.coupon, order.discount_cents}));
  const Allocated outcome = allocation(row).outcome;
  if (outcome == Allocated::kOk) return true;
  if (outcome != Allocated::kNotPaid) return false;
  return fail(ErrorCode::kConflict, cat("the place of ", order.order, " is another order's"));
}

// Always as many places, the last ones empty, so that there is one prepared statement for it.
Result<std::set<std::string>> ShopDatabase::paid_among(const std::vector<std::string>& orders) {
  constexpr std::size_t kPlaces = 64;
  static const std::string kSql = [] {
    std::string sql =
        "SELECT order_id FROM shop.orders WHERE state IN ('paid', 'delivered') AND order_id IN (?";
    for (std::size_t i = 1; i < kPlaces; ++i) sql += ",?";
    return sql + ")";
  }();
  std::set<std::string> paid;
  for (std::size_t from = 0; from < orders.size(); from += kPlaces) {
    std::vector<MariaDb::Value> places(kPlaces, std::string());
    std::copy(orders.begin() + static_cast<std::ptrdiff_t>(from),
              orders.begin() + static_cast<std::ptrdiff_t>(std::min(from + kPlaces, orders.size())),
              places.begin());
    ASSIGN_OR_RETURN(const MariaDb::Answer answer, run(kSql, places));
    for (const MariaDb::Row& row : answer.rows) paid.insert(text_of(row[0]));
  }
  return paid;
}

Status ShopDatabase::mark_expired(const Order& order) {
  return status_of(
      run("INSERT INTO shop.orders (order_id, user_id, product, quantity, amount_cents, state,"
          " idempotency_key, body_hash, placed_at_us, coupon, discount_cents)"
          " VALUES (?, ?, ?, ?, ?, 'expired', ?, ?, ?, ?, ?)"
          " ON DUPLICATE KEY UPDATE state = IF(state = 'placed', 'expired', state)",
          {order.order, order.user, order.product, order.quantity, order.amount_cents,
           order.idempotency_key, order.body_hash, order.placed_at_us, order.coupon,
           order.discount_cents}));
}

Result<std::optional<StoredOrder>> ShopDatabase::find(const std::string& order) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   run("SELECT o.user_id, o.product, o.quantity, o.amount_cents, o.idempotency_key,"
                       " o.body_hash, o.placed_at_us, o.paid_at_us, o.state, k.card_key, o.coupon,"
                       " o.discount_cents FROM shop.orders o LEFT JOIN shop.card_keys k ON "
                       "k.order_id = o.order_id"
                       " AND k.delivered_at_us IS NOT NULL WHERE o.order_id = ?",
                       {order}));
  if (answer.rows.empty()) return std::optional<StoredOrder>();
  return std::optional<StoredOrder>(stored_order(order, answer.rows[0]));
}

Result<std::vector<StoredOrder>> ShopDatabase::orders_of(const std::string& user,
                                                         std::int64_t limit) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   run("SELECT order_id, product, quantity, amount_cents, placed_at_us, state"
                       " FROM shop.orders WHERE user_id = ?"
                       " ORDER BY placed_at_us DESC, order_id LIMIT ?",
                       {user, limit}));
  std::vector<StoredOrder> orders;
  for (const MariaDb::Row& row : answer.rows) {
    StoredOrder stored;
    stored.order.order = text_of(row[0]);
    stored.order.user = user;
    stored.order.product = text_of(row[1]);
    stored.order.quantity = number(row[2]);
    stored.order.amount_cents = number(row[3]);
    stored.order.placed_at_us = number(row[4]);
    stored.state = text_of(row[5]);
    orders.push_back(std::move(stored));
  }
  return orders;
}

Result<std::vector<ShopDatabase::Allocation>> ShopDatabase::deliver_paid(
    const std::vector<Order>& orders, WallTime now) {
  std::vector<std::size_t> sorted(orders.size());
  std::iota(sorted.begin(), sorted.end(), std::size_t{0});
  std::sort(sorted.begin(), sorted.end(), [&](std::size_t one, std::size_t other) {
    return orders[one].order < orders[other].order;
  });
  nlohmann::json list = nlohmann::json::array();
  for (const std::size_t index : sorted) list.push_back(to_json(orders[index]));
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   run("CALL shop.deliver_all_paid(?, ?)", {dump_json(list), to_us(now)}));
  const auto outcomes = parse_json(answer.rows.empty() ? "" : text_of(answer.rows[0].at(0)));
  if (!outcomes || outcomes->size() != orders.size()) {
    return fail(ErrorCode::kInternal, "deliver_all_paid gave no answer for each order");
  }
  std::vector<Allocation> allocations(orders.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const nlohmann::json& each = (*outcomes)[i];
    const auto& key = each.at("card_key");
    allocations[sorted[i]] =
        allocation({each.at("outcome").get<std::string>(),
                    key.is_null() ? std::optional<std::string>() : key.get<std::string>()});
  }
  return allocations;
}

// The one row that a procedure of the keys gives: (outcome, card_key).
Result<MariaDb::Row> ShopDatabase::call(std::string_view sql,
                                        std::initializer_list<MariaDb::Value> values) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer, run(sql, values));
  if (answer.rows.size() != 1 || answer.rows[0].size() != 2) {
    return fail(ErrorCode::kInternal, cat(sql, " gave no row"));
  }
  return answer.rows[0];
}

Status ShopDatabase::import_keys(const KeyImport& import, WallTime now) {
  const auto insert_all = [&](MariaDb& database) -> Status {
    const auto noted = database.run(
        "INSERT INTO shop.key_imports (import_id, product, keys_added, imported_at_us)"
        " VALUES (?, ?, ?, ?)",
        {import.id, import.product, static_cast<std::int64_t>(import.keys.size()), to_us(now)});
    if (!noted) return tl::unexpected(noted.error());
    for (const std::string& key : import.keys) {
      const auto added =
          database.run("INSERT INTO shop.card_keys (product, card_key, import_id) VALUES (?, ?, ?)",
                       {import.product, key, import.id});
      if (!added) return fail(added.error(), cat("key ", key));
    }
    const auto counted =
        database.run("UPDATE shop.products SET stock_initial = stock_initial + ? WHERE product = ?",
                     {static_cast<std::int64_t>(import.keys.size()), import.product});
    if (!counted) return tl::unexpected(counted.error());
    if (counted->affected != 1) return fail(ErrorCode::kNotFound, "no such product");
    return {};
  };
  return pool_.with([&](MariaDb& database) -> Status {
    Status done = database.script("START TRANSACTION");
    if (!done) return done;
    done = insert_all(database);
    if (done) done = database.script("COMMIT");
    // Should this fail, the end of the connection does it.
    if (!done) (void)database.script("ROLLBACK");
    return done;
  });
}

Result<bool> ShopDatabase::has_import(const std::string& id) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   run("SELECT 1 FROM shop.key_imports WHERE import_id = ?", {id}));
  return !answer.rows.empty();
}

Result<bool> ShopDatabase::has_key(const std::string& card_key) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   run("SELECT 1 FROM shop.card_keys WHERE card_key = ?", {card_key}));
  return !answer.rows.empty();
}

Result<std::int64_t> ShopDatabase::count_free_keys(const std::string& product) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   run("SELECT COUNT(*) FROM shop.card_keys WHERE product = ?"
                       " AND order_id IS NULL AND moving_to = -1",
                       {product}));
  return number(answer.rows.at(0).at(0));
}

Result<std::int64_t> ShopDatabase::count_movable(const std::string& product, std::size_t to_shard) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   run("SELECT COUNT(*) FROM shop.card_keys WHERE product = ?"
                       " AND order_id IS NULL AND moving_to IN (-1, ?) AND gone = 0",
                       {product, static_cast<std::int64_t>(to_shard)}));
  return number(answer.rows.at(0).at(0));
}

Result<std::vector<ShopDatabase::TravellingKey>> ShopDatabase::begin_move(
    const std::string& product, std::size_t to_shard, std::int64_t count) {
  const auto to = static_cast<std::int64_t>(to_shard);
  const auto marked =
      run("UPDATE shop.card_keys SET moving_to = ? WHERE product = ?"
          " AND order_id IS NULL AND moving_to = -1 ORDER BY key_id LIMIT ?",
          {to, product, count});
  if (!marked) return tl::unexpected(marked.error());
  ASSIGN_OR_RETURN(const MariaDb::Answer answer,
                   run("SELECT card_key, hop + 1 FROM shop.card_keys WHERE product = ?"
                       " AND order_id IS NULL AND moving_to = ? AND gone = 0",
                       {product, to}));
  std::vector<TravellingKey> keys;
  for (const MariaDb::Row& row : answer.rows) keys.push_back({text_of(row[0]), number(row[1])});
  return keys;
}

Status ShopDatabase::take_keys(const std::string& product, const std::vector<TravellingKey>& keys) {
  for (const TravellingKey& key : keys) {  // assigned from left to right: `hop` must come last
    const auto taken =
        run("INSERT INTO shop.card_keys (product, card_key, hop) VALUES (?, ?, ?)"
            " ON DUPLICATE KEY UPDATE moving_to = IF(VALUES(hop) > hop, -1, moving_to),"
            " gone = IF(VALUES(hop) > hop, 0, gone), hop = GREATEST(hop, VALUES(hop))",
            {product, key.card_key, key.hop});
    if (!taken) return tl::unexpected(taken.error());
  }
  return {};
}

Status ShopDatabase::end_move(std::size_t to_shard, const std::vector<TravellingKey>& keys) {
  for (const TravellingKey& key : keys) {
    const auto ended =
        run("UPDATE shop.card_keys SET gone = 1"
            " WHERE card_key = ? AND moving_to = ? AND hop = ?",
            {key.card_key, static_cast<std::int64_t>(to_shard), key.hop - 1});
    if (!ended) return tl::unexpected(ended.error());
  }
  return {};
}

Result<std::vector<ShopDatabase::OutboxRow>> ShopDatabase::read_outbox(std::int64_t limit) {
  ASSIGN_OR_RETURN(
      const MariaDb::Answer answer,
      run("SELECT o.user_id, o.product, o.quantity, o.amount_cents, o.idempotency_key,"
          " o.body_hash, o.placed_at_us, o.paid_at_us, o.state, NULL, o.coupon,"
          " o.discount_cents, o.order_id, b.id, b.subject"
          " FROM shop.outbox b JOIN shop.orders o ON o.order_id = b.order_id ORDER BY b.id LIMIT ?",
          {limit}));
  std::vector<OutboxRow> rows;
  for (const MariaDb::Row& row : answer.rows) {
    rows.push_back({number(row[13]), text_of(row[14]), stored_order(text_of(row[12]), row).order});
  }
  return rows;
}

// One statement, so one commit on every copy. The range keeps FIND_IN_SET to the rows at hand.
Status ShopDatabase::remove_outbox(const std::vector<std::int64_t>& ids) {
  std::vector<std::string> words;
  for (const std::int64_t id : ids) words.push_back(std::to_string(id));
  return status_of(run("DELETE FROM shop.outbox WHERE id BETWEEN ? AND ? AND FIND_IN_SET(id, ?)",
                       {*std::min_element(ids.begin(), ids.end()),
                        *std::max_element(ids.begin(), ids.end()), join(words, ",")}));
}

// gtid_current_pos is right for a primary, a replica, and a replica that became the primary.
Result<GtidPosition> ShopDatabase::position() {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer, run("SELECT @@GLOBAL.gtid_current_pos", {}));
  return parse_gtid(text_of(answer.rows.at(0).at(0)));
}

Status ShopDatabase::ping() { return status_of(run("SELECT 1", {})); }

Result<std::size_t> ShopDatabase::make_schema() {
  return pool_.with([this](MariaDb& database) {
    return migrate(database, shop_migrations(), SystemClock().wall(), statement_timeout_ / 2);
  });
}

Status ShopDatabase::add_product(const std::string& product, const std::string& title,
                                 std::int64_t price_cents, std::int64_t stock_initial) {
  return status_of(
      run("INSERT IGNORE INTO shop.products (product, title, price_cents, stock_initial)"
          " VALUES (?, ?, ?, ?)",
          {product, title, price_cents, stock_initial}));
}

Result<std::int64_t> ShopDatabase::seed_keys(const std::string& product, const std::string& seed,
                                             std::int64_t count) {
  ASSIGN_OR_RETURN(const MariaDb::Answer answer, run(kSeedKeysSql, {seed, product, count}));
  return answer.affected;
}

Result<std::vector<ShopDatabase::CatalogRow>> ShopDatabase::catalog() {
  ASSIGN_OR_RETURN(
      const MariaDb::Answer answer,
      run("SELECT p.product, p.title, p.price_cents, p.stock_initial,"
          " (SELECT COUNT(*) FROM shop.orders o WHERE o.product = p.product"
          " AND o.state IN ('paid', 'delivered')) FROM shop.products p ORDER BY p.product",
          {}));
  std::vector<CatalogRow> rows;
  for (const MariaDb::Row& row : answer.rows) {
    const std::int64_t initial = number(row[3]);
    const std::int64_t sold = number(row[4]);
    rows.push_back(
        {.product = text_of(row[0]),
         .title = text_of(row[1]),
         .price_cents = number(row[2]),
         .count = {.initial = initial, .free = initial - sold, .held = 0, .sold = sold}});
  }
  return rows;
}

// Ids first: what is delivered between the two statements is in both, and counts once.
Status ShopDatabase::add_to_ledger(const std::string& product, std::int64_t recent_us,
                                   StockLedger& ledger) {
  ASSIGN_OR_RETURN(const MariaDb::Answer goods,
                   run("SELECT stock_initial FROM shop.products WHERE product = ?", {product}));
  if (!goods.rows.empty()) ledger.initial += number(goods.rows[0][0]);
  ASSIGN_OR_RETURN(
      const MariaDb::Answer sold,
      run("SELECT order_id FROM shop.orders WHERE product = ? AND state = 'delivered'", {product}));
  for (const MariaDb::Row& row : sold.rows) ledger.sold.push_back(text_of(row[0]));
  ASSIGN_OR_RETURN(const MariaDb::Answer open,
                   run("SELECT o.user_id, o.product, o.quantity, o.amount_cents, o.idempotency_key,"
                       " o.body_hash, o.placed_at_us, o.paid_at_us, o.state, k.card_key, o.coupon,"
                       " o.discount_cents, o.order_id"
                       " FROM shop.orders o LEFT JOIN shop.card_keys k ON k.order_id = o.order_id"
                       " AND k.delivered_at_us IS NOT NULL"
                       " WHERE o.product = ? AND (o.state IN ('placed', 'paid')"
                       " OR (o.state = 'delivered' AND o.delivered_at_us >= ?))",
                       {product, recent_us}));
  for (const MariaDb::Row& row : open.rows) {
    ledger.orders.push_back(stored_order(text_of(row[12]), row));
  }
  return {};
}

}  // namespace panshi::shop
