// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/config.h"

#include <array>

#include "core/base/text.h"
#include "core/io/secret.h"

namespace panshi::shop {
namespace {

const Range<Duration> kTimeouts = {milliseconds(10), seconds(60)};

// Calls `read` on the object at `key`, which must be there.
template <class Read>
void need_object(Fields& in, const char* key, Read read) {
  const nlohmann::json* object = in.need_value(key);
  if (!object) return;
  Fields inner(*object, in.path_of(key), in.problems());
  read(inner);
  inner.done();
}

void need_database(Fields& in, DatabaseConfig& config) {
  need_object(in, "database", [&](Fields& database) {
    need_host_ports(database, "shards", config.shards);
    database.need("user", config.user);
    may_secret(database, "password", config.password);
    const std::string first = config.shards.empty() ? "" : config.shards.front().host;
    may_tell(database, first, !config.password.empty(), config.rules);
    database.may("connections", config.connections, {1, 64});
    database.may("timeout", config.timeout, kTimeouts);
  });
}
void need_queue(Fields& in, QueueConfig& config) {
  need_object(in, "queue", [&](Fields& queue) {
    need_host_ports(queue, "servers", config.servers);
    queue.may("replicas", config.replicas, {1, 5});
    queue.may("timeout", config.timeout, kTimeouts);
  });
}
void may_durability(Fields& in, Durability& durability, Duration& delay) {
  static const std::array<std::string, 2> kWords = {"before_ack", "after_ack"};
  std::string word = kWords[0];
  in.may_word("durability", word, kWords);
  durability = word == kWords[1] ? Durability::kAfterAck : Durability::kBeforeAck;
  in.may("after_ack_delay", delay, {milliseconds(0), seconds(60)});
}

// `replicas: {shards: [["a:1", "b:1"], …], staleness: 2s}`
void may_replicas(Fields& in, std::size_t shards, ReplicasConfig& config) {
  if (!in.may_value("replicas")) return;
  need_object(in, "replicas", [&](Fields& replicas) {
    replicas.need_each("shards", [&](const nlohmann::json& item, const std::string& path) {
      Problems& problems = replicas.problems();
      const nlohmann::json whole = {{"copies", item}};
      Fields copies(whole, path, problems);
      need_host_ports(copies, "copies", config.shards.emplace_back());
    });
    replicas.may("staleness", config.staleness, {milliseconds(50), minutes(10)});
  });
  if (config.shards.size() != shards) {
    in.problem("replicas", cat("must have a list for each of the ", shards, " shards"));
  }
}
void need_day(Fields& in, const char* key, WallTime& out) {
  std::string text;
  in.need(key, text);
  const auto day = day_of(text);
  if (!text.empty() && !day) in.problem(key, "must be a day like \"2026-12-31\"");
  out = day.value_or(out);
}
Coupon read_coupon(Fields& in) {
  Coupon coupon;
  in.need("code", coupon.code);
  if (!coupon.code.empty() && !is_coupon_code(coupon.code)) {
    in.problem("code", "must be 3-32 characters of [A-Z0-9-]");
  }
  in.may("percent_off", coupon.percent_off, {1, 99});
  in.may("off_cents", coupon.off_cents, {1, 10'000'000});
  if (in.has("percent_off") == in.has("off_cents")) {
    in.problem("", "must have percent_off or off_cents");
  }
  in.need("uses_max", coupon.uses_max, {1, 1'000'000});
  need_day(in, "from", coupon.from);
  need_day(in, "until", coupon.until);
  in.done();
  return coupon;
}
void check_secret(Fields& in, const char* key, const std::string& secret) {
  constexpr std::size_t kSecretMin = 16;
  if (!secret.empty() && secret.size() < kSecretMin) {
    in.problem(key, cat("must have at least ", kSecretMin, " characters"));
  }
}
void read_webhooks_config(Fields& in, WebhooksConfig& config) {
  need_host_port(in, "to", config.to);
  if (in.need_value("secret")) may_secret(in, "secret", config.secret);
  check_secret(in, "secret", config.secret);
  in.may("delay", config.delay, {milliseconds(0), std::chrono::hours(1)});
  in.may("jitter", config.jitter, {milliseconds(0), std::chrono::hours(1)});
  in.may("duplicate_percent", config.duplicate_percent, {0, 100});
  in.may("seed", config.seed);
  in.may("retry", config.retry, {milliseconds(10), minutes(5)});
  in.may("timeout", config.timeout, kTimeouts);
}

}  // namespace

std::vector<MariaDb::Options> mariadb_options(const DatabaseConfig& config) {
  return mariadb_options(config, config.shards);
}
std::vector<MariaDb::Options> mariadb_options(const DatabaseConfig& config,
                                              const std::vector<HostPort>& servers) {
  std::vector<MariaDb::Options> shards;
  for (const HostPort& shard : servers) {
    shards.push_back({.host = shard.host,
                      .port = shard.port,
                      .user = config.user,
                      .password = config.password,
                      .connect_timeout = std::min<Duration>(config.timeout, seconds(1)),
                      .statement_timeout = config.timeout,
                      .rules = config.rules});
  }
  return shards;
}
Nats::Options nats_options(const QueueConfig& config, const std::string& client) {
  Nats::Options options = {.urls = {}, .client_name = client, .request_timeout = config.timeout};
  for (const HostPort& server : config.servers) {
    options.urls.push_back(cat("nats://", server.host, ":", server.port));
  }
  return options;
}

void read_setup_config(Fields& in, SetupConfig& config) {
  config.database.timeout = seconds(30);  // seeding the keys is a few large statements
  need_database(in, config.database);
  need_redis(in, config.redis);
  need_queue(in, config.queue);
  in.may("seed", config.seed);
  in.may("keys_per_product", config.keys_per_product, {1, 1'000'000});
  in.may("within", config.within, {seconds(1), minutes(30)});
}

void read_redis_form_config(Fields& in, RedisFormConfig& config) {
  in.need_each("nodes", [&](const nlohmann::json& item, const std::string& path) {
    Fields node(item, path, in.problems());
    HostPort address;
    need_host_port(node, "address", address);
    RedisMember member{cat(address.host, ":", address.port), address.host};
    node.may("host", member.host);
    node.done();
    config.nodes.push_back(std::move(member));
  });
  in.may("replicas", config.replicas, {0, 8});
  in.may("within", config.within, {seconds(1), minutes(30)});
}

void read_gateway_config(Fields& in, GatewayConfig& config) {
  read_listen(in, config.listen);
  may_host_port(in, "ops", config.ops);
  need_host_port(in, "orders", config.orders);
  need_host_port(in, "payments", config.payments);
  may_host_port(in, "extras", config.extras);
  in.may("extras_timeout", config.extras_timeout, kTimeouts);
  in.may("deadline", config.deadline, kTimeouts);
  read_front_door_config(in, config.listen.threads, config.door);
  // One upstream that hangs leaves places for what the other answers.
  config.upstream_max = std::max<std::int64_t>(1, config.door.limit.max * 3 / 4);
  in.may("upstream_max", config.upstream_max, {1, 256});
  in.may("retry_percent", config.retry_percent, {0, 100});
}

void read_orders_config(Fields& in, OrdersConfig& config) {
  read_listen(in, config.listen);
  need_database(in, config.database);
  need_redis(in, config.redis);
  need_queue(in, config.queue);
  may_replicas(in, config.database.shards.size(), config.replicas);
  may_host_port(in, "extras", config.extras);
  in.may("extras_timeout", config.extras_timeout, kTimeouts);
  in.may("hold_time", config.hold_time, {milliseconds(100), std::chrono::hours(24)});
  in.may("unknown_for", config.unknown_for, {milliseconds(0), minutes(1)});
  in.may("sweep_every", config.sweep_every, {milliseconds(10), minutes(1)});
  in.may("deadline", config.deadline, kTimeouts);
  may_durability(in, config.durability, config.after_ack_delay);
}

void read_payments_config(Fields& in, PaymentsConfig& config) {
  read_listen(in, config.listen);
  need_redis(in, config.redis);
  need_queue(in, config.queue);
  need_host_port(in, "psp", config.psp);
  in.may("charge_timeout", config.charge_timeout, kTimeouts);
  in.may("hold_time", config.hold_time, {milliseconds(100), std::chrono::hours(24)});
  in.may("pay_window", config.pay_window, {milliseconds(100), std::chrono::hours(24)});
  in.may("gather", config.gather, {milliseconds(0), seconds(1)});
  in.may("sweep_every", config.sweep_every, {milliseconds(10), minutes(1)});
  in.may("sweep_age", config.sweep_age, {milliseconds(0), minutes(10)});
  in.may("deadline", config.deadline, kTimeouts);
  may_durability(in, config.durability, config.after_ack_delay);
  may_secret(in, "webhook_secret", config.webhook_secret);
  check_secret(in, "webhook_secret", config.webhook_secret);
  in.may("webhook_tolerance", config.webhook_tolerance, {seconds(1), std::chrono::hours(24)});
}

void read_delivery_config(Fields& in, DeliveryConfig& config) {
  read_listen(in, config.listen);
  need_redis(in, config.redis);
  need_queue(in, config.queue);
  need_host_port(in, "cardkeys", config.cardkeys);
  in.may("cardkeys_timeout", config.cardkeys_timeout, kTimeouts);
  in.may("workers", config.workers, {1, 64});
  in.may("order_within", config.order_within, {milliseconds(10), minutes(60)});
}

void read_orders_worker_config(Fields& in, OrdersWorkerConfig& config) {
  read_listen(in, config.listen);
  need_database(in, config.database);
  need_queue(in, config.queue);
  in.may("relay_every", config.relay_every, {milliseconds(10), minutes(1)});
}

void read_inventory_config(Fields& in, InventoryConfig& config) {
  read_listen(in, config.listen);
  need_redis(in, config.redis);
  need_queue(in, config.queue);
}

void read_follower_config(Fields& in, FollowerConfig& config) {
  read_listen(in, config.listen);
  need_queue(in, config.queue);
  in.need("inbox", config.inbox);
}

void read_notifier_config(Fields& in, FollowerConfig& config) {
  read_follower_config(in, config);
  in.need("mails", config.mails);
}

void read_replay_config(Fields& in, ReplayConfig& config) { need_queue(in, config.queue); }

void read_traces_config(Fields& in, TracesConfig& config) {
  need_host_ports(in, "services", config.services);
}

void read_import_keys_config(Fields& in, ImportKeysConfig& config) {
  config.database.timeout = seconds(30);
  need_database(in, config.database);
  need_redis(in, config.redis);
}

void read_cardkeys_config(Fields& in, CardkeysConfig& config) {
  read_listen(in, config.listen);
  need_database(in, config.database);
}

void read_extras_config(Fields& in, ExtrasConfig& config) {
  read_listen(in, config.listen);
  in.need("store", config.store);
  in.may("announcement", config.announcement);
  if (!in.may_value("coupons")) return;
  need_object(in, "coupons", [&](Fields& coupons) {
    coupons.need("store", config.coupons.store);
    coupons.may("doubtful_after", config.coupons.book.doubtful_after, {seconds(1), minutes(10)});
    coupons.need_each("codes", [&](const nlohmann::json& item, const std::string& path) {
      Fields coupon(item, path, coupons.problems());
      config.coupons.book.codes.push_back(read_coupon(coupon));
    });
  });
}

void read_psp_config(Fields& in, PspConfig& config) {
  read_listen(in, config.listen);
  in.need("ledger", config.ledger);
  in.may("latency", config.latency, {milliseconds(0), seconds(60)});
  in.may("jitter", config.jitter, {milliseconds(0), seconds(60)});
  in.may("decline_percent", config.decline_percent, {0, 100});
  in.may("hang_percent", config.hang_percent, {0, 100});
  in.may("hang", config.hang, kTimeouts);
  if (in.may_value("webhooks")) {
    need_object(in, "webhooks",
                [&](Fields& webhooks) { read_webhooks_config(webhooks, config.webhooks); });
  }
}

}  // namespace panshi::shop
