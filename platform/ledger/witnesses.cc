// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/witnesses.h"

#include <fstream>
#include <map>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/nats.h"
#include "core/io/redis_cluster.h"
#include "platform/ledger/columns.h"
#include "platform/ledger/database_rows.h"
#include "platform/ledger/history.h"
#include "platform/storefront/stores/queue.h"

namespace panshi::shop {
namespace {

constexpr const char* kDatabase = "shop";

Result<StockRow> stock_row(const std::string& product, const RedisReply& reply) {
  StockRow row;
  row.product = product;
  std::map<std::string, std::int64_t*> wanted = {
      {"initial", &row.initial}, {"free", &row.free}, {"held", &row.held}, {"sold", &row.sold}};
  for (std::size_t i = 0; i + 1 < reply.list.size(); i += 2) {
    const auto field = wanted.find(reply.list[i].text);
    if (field == wanted.end()) continue;
    ASSIGN_OR_RETURN(*field->second, parse_integer(reply.list[i + 1].text));
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
    json.at("user").get_to(charge.user);
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
  evidence.details = {};
  evidence.not_checked = never_checked();
  if (is_legacy) {  // no queue: what is not written is not on its way
    evidence.queue = QueueFacts{.waiting = 0};
  } else {
    heard("queue", read_queue(evidence));
  }
  heard("database", read_databases(evidence));
  heard("payment provider", read_charges(evidence));
  if (!is_legacy) heard("redis", read_stock(evidence));
}

Result<MariaDb> Witnesses::connect(const HostPort& server) const {
  return MariaDb::connect({.host = server.host,
                           .port = server.port,
                           .user = config_.database_user,
                           .password = config_.database_password,
                           .database = kDatabase,
                           .statement_timeout = config_.read_timeout,
                           .rules = config_.database_rules});
}

// An order lives in one shard, so the instants of the shards need not be the same.
Status Witnesses::read_databases(Evidence& evidence) const {
  evidence.orders.emplace();
  evidence.card_keys.emplace();
  evidence.products.emplace();
  evidence.outbox.clear();
  evidence.shard_count = config_.shards.size();
  for (std::size_t i = 0; i < config_.shards.size(); ++i) {
    auto database = connect(config_.shards[i]);
    const Status read =
        database ? read_tables(*database, i, evidence) : Status(tl::unexpected(database.error()));
    if (read) continue;
    evidence.orders.reset();
    evidence.card_keys.reset();
    evidence.products.reset();
    return fail(read.error(), cat(config_.shards[i].host, ":", config_.shards[i].port));
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
