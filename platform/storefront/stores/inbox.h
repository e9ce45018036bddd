// SPDX-License-Identifier: Apache-2.0
// Inbox: what a consumer of the queue did with each message, once for each message.
//
// Messages come at least once; the row with the message's id is written in the same transaction as
// what it caused (here: the row itself), so the effect is there once. SQLite, one file for each
// role. Any thread.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "core/io/sqlite.h"
#include "platform/storefront/model/order.h"

namespace panshi::shop {

struct InboxRow {
  std::int64_t seq = 0;
  std::string subject;
  std::string order;
  std::string user;
  std::string product;
  std::int64_t amount_cents = 0;
  std::int64_t at_us = 0;  // when it was taken in
};

struct InboxEvent {
  std::string subject;  // "payment.succeeded"
  Order order;
};

class Inbox {
 public:
  static Result<Inbox> open(const std::filesystem::path& file);
  Inbox(Inbox&& other) noexcept : database_(std::move(other.database_)) {}

  // All in one transaction; those that are there already change nothing.
  Status take(const std::vector<InboxEvent>& events, WallTime now);
  // Oldest first. `user` empty: of all.
  Result<std::vector<InboxRow>> read(std::int64_t after, std::int64_t limit,
                                     const std::string& user = {});
  Result<std::int64_t> count();

  // Up to which row the effect outside (a mail) was carried out.
  Result<std::int64_t> done_until();
  Status set_done_until(std::int64_t seq);

 private:
  explicit Inbox(Database database) : database_(std::move(database)) {}

  std::mutex mutex_;
  Database database_;
};

}  // namespace panshi::shop
