// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/witnesses.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/mariadb.h"
#include "core/io/nats.h"
#include "core/io/redis_cluster.h"
#include "platform/ledger/history.h"
#include "platform/storefront/stores/queue.h"

namespace panshi::shop {
namespace {

constexpr const char* kDatabase = "shop";
constexpr std::int64_t kPageRows = 10'000;

Result<std::int64_t> number_of(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return value;
  return fail(ErrorCode::kInvalid, cat("`", text, "` is not a whole number"));
}

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
    const auto value = number_of(text());
    if (!value && ok_) ok_ = tl::unexpected(value.error());
    return value.value_or(0);
  }
  const Status& ok() const { return ok_; }

 private:
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

Status read_orders(MariaDb& database, std::vector<OrderRow>& rows) {
  Status states;
  const Status read =
      each_row(database,
               "SELECT order_id, idempotency_key, product, quantity, amount_cents, state"
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
                 rows.push_back(std::move(row));
               });
  return read ? states : read;
}

Status read_keys(MariaDb& database, std::vector<CardKeyRow>& rows) {
  return each_row(database,
                  "SELECT key_id, order_id, card_key FROM card_keys"
                  " WHERE key_id > ? AND order_id IS NOT NULL AND delivered_at_us IS NOT NULL"
                  " ORDER BY key_id LIMIT ?",
                  std::int64_t{0}, [&](Cells& cells, std::int64_t& after) {
                    after = cells.number();
                    CardKeyRow row;
                    row.order = cells.text();
                    row.card_key = cells.text();
                    rows.push_back(std::move(row));
                  });
}

Status read_products(MariaDb& database, std::vector<ProductRow>& rows) {
  return each_row(database,
                  "SELECT product, stock_initial FROM products"
                  " WHERE product > ? ORDER BY product LIMIT ?",
                  std::string(), [&](Cells& cells, std::string& after) {
                    ProductRow row;
                    after = row.product = cells.text();
                    row.stock_initial = cells.number();
                    rows.push_back(std::move(row));
                  });
}

Result<StockRow> stock_row(const std::string& product, const RedisReply& reply) {
  StockRow row;
  row.product = product;
  std::map<std::string, std::int64_t*> wanted = {
      {"initial", &row.initial}, {"free", &row.free}, {"held", &row.held}, {"sold", &row.sold}};
  for (std::size_t i = 0; i + 1 < reply.list.size(); i += 2) {
    const auto field = wanted.find(reply.list[i].text);
    if (field == wanted.end()) continue;
    ASSIGN_OR_RETURN(*field->second, number_of(reply.list[i + 1].text));
    wanted.erase(field);
  }
  if (!wanted.empty()) {
    return fail(ErrorCode::kInvalid,
                cat("stock:", product, " has no field ", wanted.begin()->first));
  }
  return row;
}

Result<Charge> charge_of(const nlohmann::json& json, std::int64_t& sequence) {
  Charge charge;
  try {
    json.at("charge").get_to(charge.charge);
    json.at("order").get_to(charge.order);
    json.at("amount_cents").get_to(charge.amount_cents);
    json.at("seq").get_to(sequence);
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kInvalid, cat("a charge cannot be read: ", error.what()));
  }
  return charge;
}

}  // namespace

void Witnesses::hear_customers(Evidence& evidence) const {
  std::ifstream log(config_.log);
  if (!log) {
    evidence.doubts.push_back(cat("the customers' log ", config_.log.string(), " cannot be read"));
    return;
  }
  History history;
  for (std::string line; std::getline(log, line);) {
    history.add_line(line);
    evidence.log_bytes += static_cast<std::int64_t>(line.size()) + (log.eof() ? 0 : 1);
  }
  if (log.bad()) {
    evidence.doubts.push_back(cat("the customers' log ", config_.log.string(), " broke off"));
    return;
  }
  evidence.accounts = history.take(evidence.doubts);
}

void Witnesses::read_books(Evidence& evidence) const {
  const auto heard = [&](const char* name, const Status& read) {
    if (!read) evidence.doubts.push_back(cat(name, ": ", read.error().message));
  };
  // First: what the queue held no more is in the books that are read after it. The other way round,
  // a message that is handled in between would be in neither.
  const bool is_legacy = config_.architecture == Architecture::kLegacy;
  evidence.has_soft_stock = !is_legacy;
  if (is_legacy) {  // no queue: what is not written is not on its way
    evidence.queue = QueueFacts{.waiting = 0};
  } else {
    heard("queue", read_queue(evidence));
  }
  heard("database", read_databases(evidence));
  heard("payment provider", read_charges(evidence));
  if (!is_legacy) heard("redis", read_stock(evidence));
}

// All three tables of one shard as of one instant.
Status Witnesses::read_shard(const HostPort& shard, Evidence& evidence) const {
  ASSIGN_OR_RETURN(MariaDb database, MariaDb::connect({.host = shard.host,
                                                       .port = shard.port,
                                                       .user = config_.database_user,
                                                       .password = config_.database_password,
                                                       .database = kDatabase,
                                                       .statement_timeout = config_.read_timeout}));
  Status read = database.script(
      "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
      "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  std::vector<ProductRow> products;
  if (read) read = read_orders(database, *evidence.orders);
  if (read) read = read_keys(database, *evidence.card_keys);
  if (read) read = read_products(database, products);
  if (!read) return read;
  for (ProductRow& product : products) {  // each shard has its share of the stock
    const auto known =
        std::find_if(evidence.products->begin(), evidence.products->end(),
                     [&](const ProductRow& other) { return other.product == product.product; });
    if (known == evidence.products->end()) {
      evidence.products->push_back(std::move(product));
    } else {
      known->stock_initial += product.stock_initial;
    }
  }
  return {};
}

// An order lives in one shard, so the instants of the shards need not be the same.
Status Witnesses::read_databases(Evidence& evidence) const {
  evidence.orders.emplace();
  evidence.card_keys.emplace();
  evidence.products.emplace();
  for (const HostPort& shard : config_.shards) {
    const Status read = read_shard(shard, evidence);
    if (read) continue;
    evidence.orders.reset();
    evidence.card_keys.reset();
    evidence.products.reset();
    return fail(read.error(), cat(shard.host, ":", shard.port));
  }
  return {};
}

Status Witnesses::read_charges(Evidence& evidence) const {
  evidence.charges.reset();
  HttpClient client;
  std::vector<Charge> charges;
  std::int64_t after = 0;
  while (true) {
    HttpCall call;
    call.url = cat("http://", config_.psp.host, ":", config_.psp.port, "/charges?after=", after,
                   "&limit=1000");
    call.timeout = config_.read_timeout;
    ASSIGN_OR_RETURN(const HttpReply reply, client.send(call));
    if (reply.status != 200) return fail(ErrorCode::kUnavailable, cat("answered ", reply.status));
    ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(reply.body, call.body_max));
    const auto page = json.find("charges");
    if (page == json.end() || !page->is_array()) {
      return fail(ErrorCode::kInvalid, "answered without `charges`");
    }
    if (page->empty()) break;
    for (const nlohmann::json& item : *page) {
      std::int64_t sequence = 0;
      ASSIGN_OR_RETURN(Charge charge, charge_of(item, sequence));
      if (sequence <= after) return fail(ErrorCode::kInvalid, "charges are not in order");
      after = sequence;
      charges.push_back(std::move(charge));
    }
  }
  evidence.charges = std::move(charges);
  return {};
}

Status Witnesses::read_stock(Evidence& evidence) const {
  evidence.stock.reset();
  if (!evidence.products) return fail(ErrorCode::kUnavailable, "which products is not known");
  RedisCluster::Options options = redis_options(config_.redis);
  options.command_timeout = config_.read_timeout;
  options.patience = config_.read_timeout;
  RedisCluster redis(options);
  std::vector<StockRow> stock;
  for (const ProductRow& product : *evidence.products) {
    const std::string key = cat("stock:{", product.product, "}");
    ASSIGN_OR_RETURN(const RedisReply reply,
                     redis.run(key, {"HGETALL", key}, RedisCluster::Access::kRepeatable));
    if (reply.list.empty()) continue;  // conservation says that it is not there
    ASSIGN_OR_RETURN(StockRow row, stock_row(product.product, reply));
    stock.push_back(std::move(row));
  }
  evidence.stock = std::move(stock);
  return {};
}

namespace {

Result<std::unique_ptr<Nats>> connect_queue(const AuditConfig& config) {
  Nats::Options options = {
      .urls = {}, .client_name = "audit", .request_timeout = config.read_timeout};
  for (const HostPort& server : config.queue) {
    options.urls.push_back(cat("nats://", server.host, ":", server.port));
  }
  return Nats::connect(options);
}

}  // namespace

Status Witnesses::read_queue(Evidence& evidence) const {
  evidence.queue.reset();
  ASSIGN_OR_RETURN(const auto nats, connect_queue(config_));
  std::uint64_t waiting = 0;
  for (const char* consumer : kBookkeepers) {
    ASSIGN_OR_RETURN(const Nats::Counts counts, nats->counts(kStream, consumer));
    waiting += counts.pending + counts.unacknowledged;
  }
  evidence.queue = QueueFacts{.waiting = static_cast<std::int64_t>(waiting)};
  return {};
}

void Witnesses::read_queue_messages(Evidence& evidence) const {
  if (!evidence.queue || config_.architecture == Architecture::kLegacy) return;
  const auto orders_of = [&](Nats& nats,
                             const std::string& subject) -> Result<std::vector<std::string>> {
    std::vector<std::string> orders;
    Status bodies;
    const Status read = nats.read_all(kStream, subject, [&](const NatsMessage& message) {
      const auto told = orders_in(message.body);
      if (!told && bodies) bodies = fail(told.error(), cat("message ", message.stream_sequence));
      if (!told) return;
      for (const QueuedOrder& each : *told) orders.push_back(each.order.order);
    });
    if (!read) return tl::unexpected(read.error());
    if (!bodies) return tl::unexpected(bodies.error());
    return orders;
  };
  const auto read = [&]() -> Status {
    ASSIGN_OR_RETURN(const auto nats, connect_queue(config_));
    ASSIGN_OR_RETURN(evidence.queue->placed, orders_of(*nats, subjects_of(kOrderPlaced)));
    ASSIGN_OR_RETURN(evidence.queue->paid, orders_of(*nats, subjects_of(kPaymentSucceeded)));
    return {};
  };
  if (const Status done = read(); !done) {
    evidence.doubts.push_back(cat("messages of the queue: ", done.error().message));
  }
}

}  // namespace panshi::shop
