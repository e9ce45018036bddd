// SPDX-License-Identifier: Apache-2.0
// What the old shop's roles read from their files (docs/reference/storefront.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/io/mariadb.h"
#include "core/json/fields.h"
#include "platform/storefront/base/serve.h"

namespace panshi::shop {

struct LegacyServers {
  HostPort primary;
  HostPort replica;
  std::string user;
  std::string password;
  PasswordRules rules = {};  // who may be logged in to
  Duration timeout = std::chrono::seconds(1);  // of one statement
};
MariaDb::Options mariadb_options(const LegacyServers& servers, const HostPort& server);

struct LegacyConfig {
  ListenConfig listen;
  LegacyServers database;
  HostPort psp;
  std::filesystem::path mails;
  std::int64_t connections = 8;                        // sessions, of every kind of request
  Duration wait_max = std::chrono::seconds(30);        // for one of them
  Duration charge_timeout = std::chrono::seconds(30);  // what a library does when nobody asks
};
struct LegacySetupConfig {
  LegacyServers database;
  std::int64_t stock_per_product = 20'000;
  Duration within = std::chrono::seconds(60);  // waiting for the server included
};

void read_legacy_config(Fields& in, LegacyConfig& config);
void read_legacy_setup_config(Fields& in, LegacySetupConfig& config);

}  // namespace panshi::shop
