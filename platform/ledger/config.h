// SPDX-License-Identifier: Apache-2.0
// What the configuration of the role `audit` may say (docs/reference/storefront.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "platform/storefront/base/serve.h"
#include "platform/storefront/stores/redis_config.h"

namespace panshi::shop {

// Which witnesses there are: the old shop has no soft stock in Redis and no queue.
enum class Architecture { kResilient, kLegacy };

struct AuditConfig {
  Architecture architecture = Architecture::kResilient;
  HostPort customers;                           // their control API
  std::filesystem::path log;                    // theirs
  std::vector<HostPort> shards;                 // the databases
  std::vector<std::vector<HostPort>> replicas;  // of each shard; none: not compared
  std::string database_user = "shop";
  std::string database_password;
  PasswordRules database_rules = {};  // who may be logged in to
  RedisConfig redis;
  std::vector<HostPort> queue;  // the servers of its cluster
  HostPort psp;
  HostPort extras;                            // who keeps the coupons; none: these are not compared
  Duration drain = std::chrono::seconds(20);  // for purchases under way to end
  Duration settle = std::chrono::seconds(20);        // for the shop to deliver what was paid
  Duration read_timeout = std::chrono::seconds(10);  // of one statement or page
};

void read_audit_config(Fields& in, AuditConfig& config);

struct AuditArguments {
  std::int64_t since_us = 0;  // only purchases that began then or later are judged
  bool exit_zero = false;     // the verdict is told on stdout alone
};
// `[--since-us N] [--exit-zero]`, in any order, each once.
Result<AuditArguments> audit_arguments(const std::vector<std::string>& arguments);

}  // namespace panshi::shop
