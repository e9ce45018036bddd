// SPDX-License-Identifier: Apache-2.0
// WebhookSender: empties the provider's outbox: sends each webhook when it is due, again until the
// shop has said that it has it.
//
// Rows are written in the transaction of the charge that they tell of, and removed after a 2xx, so
// each is sent at least once whatever dies in between. After 60 tries (some four hours) one is
// given up, with a line in the log. A thread of its own, with its own connection to the ledger's
// file.
#pragma once

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>

#include "core/io/sqlite.h"
#include "platform/storefront/services/background.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/stores/http_upstream.h"

namespace panshi::shop {

// The table, a migration of the ledger.
inline constexpr std::string_view kWebhookOutbox =
    "CREATE TABLE webhooks (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL,"
    " due_us INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX webhooks_due ON webhooks (due_us, id);";
// REQUIRES: within a transaction.
Status add_webhook(Database& ledger, const std::string& body, std::int64_t due_us);

class WebhookSender {
 public:
  WebhookSender(const WebhooksConfig& config, Database outbox);
  void add_to(nlohmann::json& status) const;

 private:
  struct Row {
    std::int64_t id = 0;
    std::string body;
    std::int64_t tries = 0;
  };
  void send_due();
  Status send_page();
  bool send(const Row& row);
  Status postpone(const Row& row);

  const WebhooksConfig config_;
  Database outbox_;  // thread of `send_` only
  HttpUpstream shop_;
  std::atomic<std::int64_t> sent_{0}, refused_{0}, given_up_{0}, waiting_{0};
  Background send_;  // last: uses the members above
};

}  // namespace panshi::shop
