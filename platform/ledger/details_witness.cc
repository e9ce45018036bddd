// SPDX-License-Identifier: Apache-2.0
// Witnesses::read_details: Redis order by order, all copies of the keys, coupons and replicas.
#include <set>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/json/fields.h"
#include "platform/ledger/database_rows.h"
#include "platform/ledger/witnesses.h"
#include "platform/storefront/model/order.h"
#include "platform/storefront/stores/stock.h"

namespace panshi::shop {
namespace {

using State = OrderRow::State;

std::string name_of(const HostPort& server) { return cat(server.host, ":", server.port); }

Result<State> state_in_redis(const std::string& name) {
  if (name == "placed" || name == "paying") return State::kPlaced;
  if (name == "paid") return State::kPaid;
  if (name == "delivered") return State::kDelivered;
  if (name == "expired") return State::kExpired;
  return fail(ErrorCode::kInvalid, cat("no state of a hold: `", name, "`"));
}

Result<HoldFacts> facts_of(const Hold& hold) {
  ASSIGN_OR_RETURN(const State state, state_in_redis(hold.state));
  HoldFacts facts;
  facts.order = {.order = hold.order.order,
                 .key = hold.order.idempotency_key,
                 .product = hold.order.product,
                 .quantity = hold.order.quantity,
                 .amount_cents = hold.order.amount_cents,
                 .state = state,
                 .user = hold.order.user,
                 .shard = {},
                 .coupon = hold.order.coupon,
                 .discount_cents = hold.order.discount_cents,
                 .body_hash = hold.order.body_hash,
                 .times = {}};
  facts.card_key = hold.card_key;
  facts.is_uncounted = hold.uncounted;
  return facts;
}

ProductHolds facts_of(const std::string& product, SoftStock::Whole whole) {
  const StockCount count = whole.count.value_or(StockCount{});
  return {.stock = {product, count.initial, count.free, count.held, count.sold},
          .holding = std::move(whole.holding),
          .sold = std::move(whole.sold)};
}

Result<std::map<std::string, CatalogEntry>> read_catalog(SoftStock& redis) {
  ASSIGN_OR_RETURN(const std::string text, redis.catalog());
  ASSIGN_OR_RETURN(const nlohmann::json list, parse_json(text.empty() ? "[]" : text));
  std::map<std::string, CatalogEntry> catalog;
  try {
    for (const nlohmann::json& item : list) {
      catalog[item.at("product").get<std::string>()] = {
          .title = item.at("title").get<std::string>(),
          .price_cents = item.at("price_cents").get<std::int64_t>()};
    }
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kInvalid, cat("the list of goods: ", error.what()));
  }
  return catalog;
}

// Every key that somebody has, by the books or by what he was shown.
std::set<std::string> known_keys(const Evidence& evidence) {
  std::set<std::string> keys;
  for (const CardKeyRow& row : *evidence.card_keys) keys.insert(row.card_key);
  if (!evidence.accounts) return keys;
  for (const Account& account : *evidence.accounts) {
    if (!account.card_key.empty()) keys.insert(account.card_key);
  }
  return keys;
}

// One page of claims added; the last order of it, or "" when there was none.
Result<std::string> add_claims(const nlohmann::json& page, CouponBookFacts& book) {
  std::string last;
  try {
    for (const nlohmann::json& item : page.at("claims")) {
      last = item.at("order").get<std::string>();
      book.claims.push_back({.order = last,
                             .code = item.at("code").get<std::string>(),
                             .user = item.at("user").get<std::string>(),
                             .discount_cents = item.at("discount_cents").get<std::int64_t>(),
                             .is_settled = item.at("settled").get<bool>()});
    }
    for (const nlohmann::json& item : page.at("codes")) {
      book.uses_max[item.at("code").get<std::string>()] = item.at("uses_max").get<std::int64_t>();
    }
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kInvalid, cat("the coupons cannot be read: ", error.what()));
  }
  return last;
}

}  // namespace

void Witnesses::read_details(Evidence& evidence) const {
  const auto heard = [&](const char* name, const Status& read) {
    if (!read) evidence.doubts.push_back(cat(name, ": ", read.error().message));
  };
  if (evidence.card_keys && evidence.orders)
    heard("copies of card keys", read_key_copies(evidence));
  if (evidence.has_soft_stock && evidence.orders && evidence.products) {
    heard("redis, order by order", read_holds(evidence));
  }
  if (config_.extras.host.empty()) {
    evidence.not_checked.push_back("coupons against their claims: `extras` is not configured");
  } else {
    heard("coupons", read_coupons(evidence));
  }
  read_replicas(evidence);
}

Status Witnesses::read_key_copies(Evidence& evidence) const {
  const std::set<std::string> keys = known_keys(evidence);
  std::vector<KeyCopy> copies;
  std::map<std::string, KeyPool> pools;
  for (std::size_t i = 0; i < config_.shards.size(); ++i) {
    ASSIGN_OR_RETURN(MariaDb shard, connect(config_.shards[i]));
    if (auto read = read_copies(shard, i, keys, copies); !read) return read;
    if (auto read = read_pools(shard, pools); !read) return read;
  }
  evidence.details.key_copies = std::move(copies);
  if (evidence.has_soft_stock) evidence.details.pools = std::move(pools);
  return {};
}

Status Witnesses::read_holds(Evidence& evidence) const {
  RedisCluster::Options options = redis_options(config_.redis);
  options.command_timeout = config_.read_timeout;
  options.patience = config_.read_timeout;
  SoftStock redis(options);
  std::map<std::string, std::set<std::string>> orders;  // by the product in whose slot it is
  for (const OrderRow& row : *evidence.orders) {
    if (const auto product = product_of(row.order); !product.empty()) {
      orders[std::string(product)].insert(row.order);
    }
  }
  std::map<std::string, ProductHolds> products;
  for (const ProductRow& product : *evidence.products) {
    ASSIGN_OR_RETURN(SoftStock::Whole whole, redis.whole(product.product));
    orders[product.product].insert(whole.holding.begin(), whole.holding.end());
    products[product.product] = facts_of(product.product, std::move(whole));
  }
  std::map<std::string, HoldFacts> holds;
  for (const auto& [product, ids] : orders) {
    ASSIGN_OR_RETURN(const std::vector<Hold> found,
                     redis.find_all(product, std::vector<std::string>(ids.begin(), ids.end())));
    for (const Hold& hold : found) {
      ASSIGN_OR_RETURN(holds[hold.found_at], facts_of(hold));
    }
  }
  ASSIGN_OR_RETURN(evidence.details.catalog, read_catalog(redis));
  evidence.details.holds = std::move(holds);
  evidence.details.product_holds = std::move(products);
  return {};
}

Status Witnesses::read_coupons(Evidence& evidence) const {
  HttpClient client;
  CouponBookFacts book;
  for (std::string after;;) {
    HttpCall call;
    call.url = cat("http://", name_of(config_.extras), "/coupons/claims?after=", after);
    call.timeout = config_.read_timeout;
    ASSIGN_OR_RETURN(const HttpReply reply, client.send(call));
    if (reply.status != 200) return fail(ErrorCode::kUnavailable, cat("answered ", reply.status));
    ASSIGN_OR_RETURN(const nlohmann::json page, parse_json(reply.body, call.body_max));
    ASSIGN_OR_RETURN(const std::string last, add_claims(page, book));
    if (last.empty()) break;
    if (last <= after) return fail(ErrorCode::kInvalid, "claims are not in order");
    after = last;
  }
  evidence.details.coupons = std::move(book);
  return {};
}

// A replica is no truth, so one that cannot be read leaves the verdict as it is, but is named.
void Witnesses::read_replicas(Evidence& evidence) const {
  if (config_.replicas.empty()) {
    evidence.not_checked.push_back(
        "replicas against their primaries: `database.replicas` is not configured");
  }
  for (std::size_t i = 0; i < config_.replicas.size(); ++i) {
    if (config_.replicas[i].empty()) {
      evidence.not_checked.push_back(cat("replicas of shard ", i, ": none is configured"));
    }
    for (const HostPort& server : config_.replicas[i]) {
      const auto compare = [&]() -> Result<std::vector<ReplicaDifference>> {
        ASSIGN_OR_RETURN(MariaDb primary, connect(config_.shards.at(i)));
        ASSIGN_OR_RETURN(MariaDb replica, connect(server));
        return compare_replica(primary, replica, config_.read_timeout / 2);
      };
      auto differences = compare();
      if (!differences) {
        evidence.not_checked.push_back(
            cat("the replica ", name_of(server), ": ", differences.error().message));
        continue;
      }
      for (ReplicaDifference& one : *differences) {
        one.replica = name_of(server);
        evidence.details.differences.push_back(std::move(one));
      }
    }
  }
}

}  // namespace panshi::shop
