// SPDX-License-Identifier: Apache-2.0
// LegacySession: what a request of the old shop holds from its first line to its last: a connection
// to the primary, one to the replica, one to the bank.
//
// There is one pool of them for everybody, so whoever waits for the bank keeps a browsing customer
// from the database. Connections are made when first used, and anew after they broke. One thread at
// a time.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>

#include "core/io/http_client.h"
#include "core/io/mariadb.h"
#include "platform/storefront/legacy/config.h"

namespace panshi::shop {

class LegacySession {
 public:
  // REQUIRES: the configuration outlives it.
  explicit LegacySession(const LegacyConfig& config)
      : config_(&config), bank_(std::make_unique<HttpClient>()) {}

  Result<MariaDb::Answer> read(std::string_view sql, std::initializer_list<MariaDb::Value> values);
  Result<MariaDb::Answer> write(std::string_view sql, std::initializer_list<MariaDb::Value> values);
  Status begin();
  Status commit();
  void roll_back();

  // POST /charges
  Result<HttpReply> charge(const std::string& body);

 private:
  Result<MariaDb*> open(std::optional<MariaDb>& connection, const HostPort& server);
  Result<MariaDb::Answer> run(std::optional<MariaDb>& connection, const HostPort& server,
                              std::string_view sql, std::initializer_list<MariaDb::Value> values);
  Status script(std::string_view sql);

  const LegacyConfig* config_;
  std::optional<MariaDb> primary_;
  std::optional<MariaDb> replica_;
  std::unique_ptr<HttpClient> bank_;
};

}  // namespace panshi::shop
