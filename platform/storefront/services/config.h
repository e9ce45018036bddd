// SPDX-License-Identifier: Apache-2.0
// What each role reads from its file, with the defaults. docs/reference/storefront.md lists them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/io/mariadb.h"
#include "core/io/nats.h"
#include "core/json/fields.h"
#include "platform/storefront/base/serve.h"
#include "platform/storefront/services/coupon_book.h"
#include "platform/storefront/services/front_door_config.h"
#include "platform/storefront/stores/redis_config.h"
#include "platform/storefront/stores/redis_form.h"

namespace panshi::shop {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct DatabaseConfig {
  std::vector<HostPort> shards;  // the primaries, in the same order everywhere
  std::string user;
  std::string password;
  PasswordRules rules = {};              // who may be logged in to: links, or the servers' account
  std::int64_t connections = 4;          // to each shard
  Duration timeout = milliseconds(800);  // of one statement
};
struct QueueConfig {
  std::vector<HostPort> servers;  // of one cluster
  std::int64_t replicas = 1;      // of each stream
  Duration timeout = milliseconds(500);
};

std::vector<MariaDb::Options> mariadb_options(const DatabaseConfig& config);
// Other servers with the same account.
std::vector<MariaDb::Options> mariadb_options(const DatabaseConfig& config,
                                              const std::vector<HostPort>& servers);
Nats::Options nats_options(const QueueConfig& config, const std::string& client);

enum class Durability { kBeforeAck, kAfterAck };

struct SetupConfig {
  DatabaseConfig database;
  RedisConfig redis;
  QueueConfig queue;
  std::string seed = "panshi";
  std::int64_t keys_per_product = 20'000;
  Duration within = seconds(60);  // waiting for the servers included
};
struct RedisFormConfig {
  std::vector<RedisMember> nodes;
  std::int64_t replicas = 1;      // of each master
  Duration within = seconds(60);  // waiting for the servers included
};
struct GatewayConfig {
  ListenConfig listen;
  HostPort ops;  // where /status, /metrics and /spans are; empty host: nowhere
  HostPort orders;
  HostPort payments;
  HostPort extras;  // empty host: none, and the pages do without
  Duration extras_timeout = milliseconds(300);
  Duration deadline = seconds(2);   // of one request, handed on to the upstreams
  std::int64_t retry_percent = 20;  // of the calls of an upstream, at most
  std::int64_t upstream_max = 12;   // calls of one upstream at once; read: 3/4 of limiter.max
  FrontDoorConfig door = {};
};
struct ReplicasConfig {  // empty: all reads go to the primaries
  std::vector<std::vector<HostPort>> shards;
  Duration staleness = seconds(2);  // what they show may be as old as this
};
struct OrdersConfig {
  ListenConfig listen;
  DatabaseConfig database;
  RedisConfig redis;
  QueueConfig queue;
  ReplicasConfig replicas;
  HostPort extras;  // for coupons; empty host: none are taken
  Duration extras_timeout = milliseconds(300);
  Duration hold_time = minutes(10);
  Duration sweep_every = milliseconds(500);
  Duration unknown_for = seconds(1);  // an order that is nowhere is not looked for again; 0: it is
  Duration deadline = seconds(2);
  Durability durability = Durability::kBeforeAck;
  Duration after_ack_delay = seconds(1);
};
struct PaymentsConfig {
  ListenConfig listen;
  RedisConfig redis;
  QueueConfig queue;
  HostPort psp;
  Duration charge_timeout = milliseconds(1'500);
  Duration hold_time = minutes(10);    // of an order whose payment was declined
  Duration pay_window = minutes(2);    // how long a payment under way keeps its hold
  Duration gather = milliseconds(50);  // payments in a rush are told together; 0: each alone
  Duration sweep_every = milliseconds(500);
  Duration sweep_age = seconds(2);  // younger charges are left to the request that made them
  Duration deadline = seconds(2);
  Durability durability = Durability::kBeforeAck;
  Duration after_ack_delay = seconds(1);
  std::string webhook_secret;               // of the provider's webhooks; "": they are refused
  Duration webhook_tolerance = minutes(5);  // older, and from the future: refused
};
struct DeliveryConfig {
  ListenConfig listen;
  RedisConfig redis;
  QueueConfig queue;
  HostPort cardkeys;
  Duration cardkeys_timeout = seconds(1);
  std::int64_t workers = 8;
  Duration order_within = seconds(10);  // a paid order whose row is nowhere; see MissingOrders
};
struct OrdersWorkerConfig {
  ListenConfig listen;
  DatabaseConfig database;
  QueueConfig queue;
  Duration relay_every = milliseconds(250);  // looks into the shards' outboxes
};
struct InventoryConfig {
  ListenConfig listen;
  RedisConfig redis;
  QueueConfig queue;
};
struct FollowerConfig {  // auditlog and notifier
  ListenConfig listen;
  QueueConfig queue;
  std::string inbox;  // SQLite file
  std::string mails;  // notifier: the file of outgoing mails
};
struct ReplayConfig {
  QueueConfig queue;
};
struct ImportKeysConfig {
  DatabaseConfig database;
  RedisConfig redis;
};
struct TracesConfig {
  std::vector<HostPort> services;  // all that may know a span
};
struct CardkeysConfig {
  ListenConfig listen;
  DatabaseConfig database;
};
struct CouponsConfig {
  std::string store;  // SQLite file; "": there are no coupons
  CouponBook::Options book;
};
struct ExtrasConfig {
  ListenConfig listen;
  std::string store;         // SQLite file
  std::string announcement;  // on the list of goods, "中文 / English"; "": none
  CouponsConfig coupons;
};
struct WebhooksConfig {  // what the provider tells the shop by itself
  HostPort to;           // payments; empty host: nobody is told
  std::string secret;
  Duration delay{0};                   // after the charge
  Duration jitter{0};                  // up to this much later still, so they overtake each other
  std::int64_t duplicate_percent = 0;  // of them are sent twice
  std::int64_t seed = 1;               // of jitter and duplicates
  Duration retry = milliseconds(200);  // doubles each time, up to five minutes
  Duration timeout = seconds(1);       // of one try
};
struct PspConfig {
  ListenConfig listen;
  std::string ledger;  // SQLite file
  Duration latency = milliseconds(20);
  Duration jitter{0};
  std::int64_t decline_percent = 0;  // which cards: by a hash of the idempotency key
  std::int64_t hang_percent = 0;     // charges whose answer comes too late: by another hash of it
  Duration hang = seconds(10);       // how late
  WebhooksConfig webhooks;
};

void read_setup_config(Fields& in, SetupConfig& config);
void read_redis_form_config(Fields& in, RedisFormConfig& config);
void read_gateway_config(Fields& in, GatewayConfig& config);
void read_orders_config(Fields& in, OrdersConfig& config);
void read_payments_config(Fields& in, PaymentsConfig& config);
void read_delivery_config(Fields& in, DeliveryConfig& config);
void read_orders_worker_config(Fields& in, OrdersWorkerConfig& config);
void read_inventory_config(Fields& in, InventoryConfig& config);
void read_follower_config(Fields& in, FollowerConfig& config);
void read_notifier_config(Fields& in, FollowerConfig& config);
void read_replay_config(Fields& in, ReplayConfig& config);
void read_import_keys_config(Fields& in, ImportKeysConfig& config);
void read_traces_config(Fields& in, TracesConfig& config);
void read_cardkeys_config(Fields& in, CardkeysConfig& config);
void read_extras_config(Fields& in, ExtrasConfig& config);
void read_psp_config(Fields& in, PspConfig& config);

}  // namespace panshi::shop
